package main

import (
	"crypto/tls"
	"flag"
	"fmt"
	"net"
	"time"
)

// idle measures memory per connection at rest. The server's heartbeat should be shorter than the settling time.
func idle(args []string) error {
	flags := flag.NewFlagSet("idle", flag.ExitOnError)
	n := flags.Int("conns", 10000, "connections")
	settle := flags.Duration("settle", 30*time.Second, "until memory is read")
	t := targetFlags(flags)
	t.parse(flags, args)
	before, err := ask(t.admin, true)
	if err != nil {
		return err
	}
	all, err := t.holders(*n)
	if err != nil {
		return err
	}
	time.Sleep(*settle)
	after, err := ask(t.admin, true)
	_, lost := release(all)
	if err != nil {
		return err
	}
	per := func(after, before int64) float64 { return float64(after-before) / float64(*n) }
	fmt.Printf("rss_per_conn=%.0f freed_per_conn=%.0f heap_per_conn=%.0f objects_per_conn=%.1f stack_per_conn=%.0f goroutines_per_conn=%.3f "+
		"rss_start=%d rss=%d pings=%d lost=%d\n",
		per(after.RSS, before.RSS), per(after.Freed, before.Freed), per(after.Heap, before.Heap), per(after.Objects, before.Objects), per(after.Stack, before.Stack),
		per(int64(after.Goroutines), int64(before.Goroutines)), before.RSS, after.RSS, after.Server.Pings, lost)
	return nil
}

// stall begins handshakes and does not finish them.
func stall(args []string) error {
	flags := flag.NewFlagSet("stall", flag.ExitOnError)
	n := flags.Int("conns", 1000, "handshakes, no more than the server allows in flight")
	part := flags.Float64("part", 1, "how much of the ClientHello is sent")
	settle := flags.Duration("settle", 3*time.Second, "until memory is read; the server's handshake timeout must be longer")
	gone := flags.Duration("gone", 15*time.Second, "until it is read again; the timeout must be over then")
	t := targetFlags(flags)
	t.parse(flags, args)
	hello, err := t.hello()
	if err != nil {
		return err
	}
	before, err := ask(t.admin, true)
	if err != nil {
		return err
	}
	for range *n {
		conn, err := t.dialTCP()
		if err != nil {
			return err
		}
		defer conn.Close()
		if _, err := conn.Write(hello[:int(float64(len(hello))**part)]); err != nil {
			return err
		}
	}
	time.Sleep(*settle)
	during, err := ask(t.admin, true)
	if err != nil {
		return err
	}
	time.Sleep(*gone - *settle)
	after, err := ask(t.admin, true)
	if err != nil {
		return err
	}
	per := func(a, b int64) float64 { return float64(a-b) / float64(*n) }
	fmt.Printf("rss_each=%.0f heap_each=%.0f stack_each=%.0f goroutines_each=%.3f heap_after_each=%.0f goroutines_after_each=%.3f "+
		"rss_after_each=%.0f connections_after=%d\n",
		per(during.RSS, before.RSS), per(during.Heap, before.Heap), per(during.Stack, before.Stack),
		per(int64(during.Goroutines), int64(before.Goroutines)), per(after.Heap, before.Heap),
		per(int64(after.Goroutines), int64(before.Goroutines)), per(after.RSS, before.RSS), after.Server.Connections)
	return nil
}

// hello is the ClientHello that crypto/tls would send.
func (t *target) hello() ([]byte, error) {
	near, far := net.Pipe()
	defer near.Close()
	defer far.Close()
	go func() { _ = tls.Client(near, t.config).Handshake() }()
	buffer := make([]byte, 16<<10)
	n, err := far.Read(buffer) // crypto/tls writes it as one record
	return buffer[:n], err
}
