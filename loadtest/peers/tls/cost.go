package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wsedge/wsedge/frame"
)

// churn opens and closes connections, one after the other in each worker.
func churn(args []string) error {
	flags := flag.NewFlagSet("churn", flag.ExitOnError)
	workers := flags.Int("workers", 16, "connections at a time")
	duration := flags.Duration("duration", 5*time.Second, "time")
	only := flags.Bool("handshake-only", false, "close after the TLS handshake: no upgrade, no echo")
	t := targetFlags(flags)
	t.parse(flags, args)
	var done, failed atomic.Int64
	once := t.visit
	if *only {
		once = t.shake
	}
	run := func(d time.Duration) {
		end := time.Now().Add(d)
		var group sync.WaitGroup
		for range *workers {
			group.Go(func() {
				for time.Now().Before(end) {
					if once() == nil {
						done.Add(1)
					} else {
						failed.Add(1)
					}
				}
			})
		}
		group.Wait()
	}
	run(*duration / 5) // warm up
	done.Store(0)
	before, err := ask(t.admin, false)
	if err != nil {
		return err
	}
	start := time.Now()
	run(*duration)
	took := time.Since(start)
	time.Sleep(100 * time.Millisecond) // the server ends the last connections
	after, err := ask(t.admin, false)
	if err != nil {
		return err
	}
	n := float64(done.Load())
	fmt.Printf("cpu_us=%.1f per_second=%.0f failed=%d gcs=%d\n",
		float64((after.CPU-before.CPU).Microseconds())/n, n/took.Seconds(), failed.Load(), after.GCs-before.GCs)
	return nil
}

// visit is a whole connection: upgrade, one message and its echo, end.
func (t *target) visit() error {
	conn, err := t.dial()
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.Write(frame.AppendMaskedFrame(nil, frame.OpText, []byte("x"), [4]byte{1, 2, 3, 4})); err != nil {
		return err
	}
	var echo [3]byte
	_, err = io.ReadFull(conn, echo[:])
	return err
}

// shake is a TLS handshake and nothing else.
func (t *target) shake() error {
	raw, err := t.dialTCP()
	if err != nil {
		return err
	}
	conn := t.client(raw)
	defer conn.Close()
	_ = raw.SetDeadline(time.Now().Add(dialTimeout))
	return conn.Handshake()
}

// fanout has the server publish to subscribers.
func fanout(args []string) error {
	flags := flag.NewFlagSet("fanout", flag.ExitOnError)
	n := flags.Int("conns", 5000, "subscribers")
	rate := flags.Float64("rate", 8, "publications a second")
	payload := flags.Int("payload", 128, "bytes of a message")
	duration := flags.Duration("duration", 8*time.Second, "time")
	t := targetFlags(flags)
	t.parse(flags, args)
	all, err := t.holders(*n)
	if err != nil {
		return err
	}
	publish := func(count int) error {
		_, err := get(fmt.Sprintf("http://%s/publish?count=%d&payload=%d&rate=%g", t.admin, count, *payload, *rate))
		time.Sleep(500 * time.Millisecond) // the last ones arrive
		return err
	}
	warm, count := int(*rate), int(*rate*duration.Seconds())
	if err := publish(warm); err != nil {
		return err
	}
	before, err := ask(t.admin, false)
	if err != nil {
		return err
	}
	if err := publish(count); err != nil {
		return err
	}
	after, err := ask(t.admin, false)
	if err != nil {
		return err
	}
	messages, lost := release(all)
	deliveries := after.Server.Deliveries - before.Server.Deliveries
	fmt.Printf("cpu_us=%.3f deliveries=%d sends=%d missing=%d lost=%d gcs=%d\n",
		float64((after.CPU-before.CPU).Nanoseconds())/1e3/float64(deliveries), deliveries, after.Server.Sends-before.Server.Sends,
		int64((warm+count)**n)-messages, lost, after.GCs-before.GCs)
	return nil
}

// echo has messages sent back: each after the answer to the last, or on a schedule.
func echo(args []string) error {
	flags := flag.NewFlagSet("echo", flag.ExitOnError)
	n := flags.Int("conns", 256, "connections")
	payload := flags.Int("payload", 128, "bytes of a message")
	every := flags.Duration("every", 0, "time between two messages of a connection; 0: the last one's answer")
	duration := flags.Duration("duration", 5*time.Second, "time")
	t := targetFlags(flags)
	t.parse(flags, args)
	conns, err := t.dialAll(*n, nil)
	if err != nil {
		return err
	}
	rounds := make([]*talker, len(conns))
	run := func(d time.Duration) error {
		errs := make([]error, len(conns))
		var group sync.WaitGroup
		begin := time.Now()
		for i, c := range conns {
			rounds[i] = &talker{conn: c, message: frame.AppendMaskedFrame(nil, frame.OpBinary, make([]byte, *payload), [4]byte{1, 2, 3, 4})}
			group.Go(func() { errs[i] = rounds[i].talk(begin, d, *every, float64(i)/float64(len(conns))) })
		}
		group.Wait()
		return errors.Join(errs...)
	}
	if err := run(*duration / 5); err != nil {
		return err
	}
	before, err := ask(t.admin, false)
	if err != nil {
		return err
	}
	start := time.Now()
	if err := run(*duration); err != nil {
		return err
	}
	took := time.Since(start)
	after, err := ask(t.admin, false)
	if err != nil {
		return err
	}
	var latencies []time.Duration
	for _, r := range rounds {
		latencies = append(latencies, r.latencies...)
	}
	p := percentiles(latencies)
	fmt.Printf("cpu_us=%.3f trips_per_second=%.0f p50_us=%d p90_us=%d p99_us=%d max_us=%d trips=%d waited_ms_per_s=%d\n",
		float64((after.CPU-before.CPU).Nanoseconds())/1e3/float64(len(latencies)), float64(len(latencies))/took.Seconds(),
		p(0.5).Microseconds(), p(0.9).Microseconds(), p(0.99).Microseconds(), p(1).Microseconds(), len(latencies),
		int64(float64((after.Waited-before.Waited).Milliseconds())/took.Seconds()))
	return nil
}

// talker is one connection of echo.
type talker struct {
	conn      net.Conn
	message   []byte
	latencies []time.Duration
}

// talk sends and receives until d after begin. On a schedule the connections take turns, phase of a period apart, and latency counts
// from the intended time.
func (r *talker) talk(begin time.Time, d, every time.Duration, phase float64) error {
	answer := make([]byte, len(r.message)-4) // without the masking key
	intended := begin.Add(time.Duration(phase * float64(every)))
	for intended.Before(begin.Add(d)) {
		if every > 0 {
			time.Sleep(time.Until(intended))
		} else {
			intended = time.Now()
		}
		if _, err := r.conn.Write(r.message); err != nil {
			return err
		}
		if err := r.receive(answer); err != nil {
			return err
		}
		r.latencies = append(r.latencies, time.Since(intended))
		if every > 0 {
			intended = intended.Add(every)
		} else {
			intended = time.Now()
		}
	}
	return nil
}

// receive reads the answer, and over the pings before it: those are empty.
func (r *talker) receive(answer []byte) error {
	for {
		if _, err := io.ReadFull(r.conn, answer[:2]); err != nil {
			return err
		}
		if answer[0] != 0x80|byte(frame.OpPing) {
			_, err := io.ReadFull(r.conn, answer[2:])
			return err
		}
		if _, err := r.conn.Write(frame.AppendMaskedFrame(nil, frame.OpPong, nil, [4]byte{1, 2, 3, 4})); err != nil {
			return err
		}
	}
}
