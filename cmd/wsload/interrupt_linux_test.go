package main

import (
	"io"
	"syscall"
	"testing"
)

// TestInterrupt ends a context by the first signal, and lets go of signals at stop.
func TestInterrupt(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		ctx, stop := interruptible(io.Discard)
		if ctx.Err() != nil {
			t.Error("done from the start")
		}
		if err := syscall.Kill(syscall.Getpid(), signal); err != nil {
			t.Fatal(err)
		}
		<-ctx.Done()
		stop()
	}
	ctx, stop := interruptible(io.Discard)
	stop()
	<-ctx.Done()
}
