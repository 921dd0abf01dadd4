package main

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// flood sends one ClientHello over and over, each on a connection of its own, waits for the answer, and hangs up.
func flood(args []string) error {
	flags := flag.NewFlagSet("flood", flag.ExitOnError)
	rate := flags.Float64("rate", 3000, "ClientHellos a second")
	duration := flags.Duration("duration", 10*time.Second, "time")
	workers := flags.Int("workers", 3000, "connections at a time; what comes on top of it is missed")
	t := targetFlags(flags)
	t.parse(flags, args)
	hello, err := t.hello()
	if err != nil {
		return err
	}
	var answered, refused, missed atomic.Int64
	due := make(chan struct{}, *workers)
	var group sync.WaitGroup
	for range *workers {
		group.Go(func() {
			for range due {
				if t.provoke(hello) == nil {
					answered.Add(1)
				} else {
					refused.Add(1)
				}
			}
		})
	}
	start := time.Now()
	const tick = 2 * time.Millisecond
	sent := 0
	for at := time.Duration(0); at < *duration; at += tick {
		time.Sleep(time.Until(start.Add(at)))
		for ; float64(sent) < *rate*at.Seconds(); sent++ {
			select {
			case due <- struct{}{}:
			default:
				missed.Add(1)
			}
		}
	}
	took := time.Since(start)
	close(due)
	group.Wait()
	fmt.Printf("hellos_per_second=%.0f answered_per_second=%.0f refused=%d missed=%d\n",
		float64(int64(sent)-missed.Load())/took.Seconds(), float64(answered.Load())/took.Seconds(), refused.Load(), missed.Load())
	return nil
}

// typeAlert is the first byte of an alert (RFC 8446, section 5.1).
const typeAlert = 21

var errAlert = errors.New("an alert was the answer")

// provoke makes the server compute a handshake.
func (t *target) provoke(hello []byte) error {
	conn, err := t.dialTCP()
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetLinger(0)
	_ = conn.SetDeadline(time.Now().Add(dialTimeout))
	if _, err := conn.Write(hello); err != nil {
		return err
	}
	var answer [64]byte
	if _, err = conn.Read(answer[:]); err == nil && answer[0] == typeAlert {
		err = errAlert
	}
	return err
}

// percentiles sorts durations and returns the function that picks one.
func percentiles(all []time.Duration) func(p float64) time.Duration {
	slices.Sort(all)
	return func(p float64) time.Duration {
		if len(all) == 0 {
			return 0
		}
		return all[min(len(all)-1, int(p*float64(len(all))))]
	}
}
