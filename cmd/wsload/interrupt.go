package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/wsedge/wsedge/loadtest/show"
)

// exitKilled is what shells say of a command that an interrupt has ended.
const exitKilled = 130

// interruptible returns a context that is done at the first interrupt, so that there is a report of what there was. A second
// one ends the process at once; its workers and floors end when it is gone.
func interruptible(stderr io.Writer) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case <-signals:
			cancel()
		case <-ctx.Done():
			return
		}
		for range signals {
			if viewOn(stderr) != nil {
				fmt.Fprint(stderr, show.LeaveScreen)
			}
			os.Exit(exitKilled)
		}
	}()
	return ctx, func() { signal.Stop(signals); cancel(); close(signals) }
}
