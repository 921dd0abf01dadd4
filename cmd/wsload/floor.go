package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/wsedge/wsedge/loadtest/floor"
)

// runFloorServer is a process of the floor. An interrupt from the terminal reaches all processes; this one ends when its
// parent closes its standard input.
func runFloorServer(stdin io.Reader, stdout, stderr io.Writer) int {
	signal.Ignore(os.Interrupt)
	if err := floor.Run(context.Background(), stdin, stdout); err != nil {
		fmt.Fprintf(stderr, "wsload floor-server: %v\n", err)
		return exitFailed
	}
	return exitOK
}
