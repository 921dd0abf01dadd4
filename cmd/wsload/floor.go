package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"

	"github.com/wsedge/wsedge/loadtest"
	"github.com/wsedge/wsedge/loadtest/floor"
)

const floorHelp = `Usage: wsload floor [flags]

Runs a scenario against the floor: a server in processes of their own that costs what the kernel costs
(raw epoll, one send per connection and turn, no policies). Its figures are the least that this machine
takes; "wsload fanout URL --floor" gives a server's as a ratio to them.

Example:
  wsload floor --conns 5000 --rate 8 --duration 10s
  wsload floor --scenario echo --conns 1000 --rate 20000
`

// addFloor is for runs that are compared with the floor.
func (o *options) addFloor(set *flag.FlagSet) {
	f := &o.config.Floor
	set.BoolFunc("floor", "run the floor with the same settings before and after, and report ratios to it", func(string) error {
		f.Rounds = max(f.Rounds, 1)
		return nil
	})
	set.IntVar(&f.Rounds, "floor-rounds", 0, "rounds of the server, each between two of the floor; the ratios are medians")
	o.addFloorServer(set)
}

func (o *options) addFloorServer(set *flag.FlagSet) {
	set.IntVar(&o.config.Floor.Threads, "floor-threads", 0, "threads of each of the floor's processes; 0: two, or one on a single core")
	set.IntVar(&o.config.Floor.Processes, "floor-processes", 0, "processes of the floor; 0: as many as the open-file limit asks for")
}

// parseFloor reads the arguments of "wsload floor".
func parseFloor(args []string, stdout io.Writer) (*options, error) {
	opts, set := &options{}, flag.NewFlagSet("floor", flag.ContinueOnError)
	opts.addScenario(set)
	opts.addCommon(set)
	opts.addFanout(set)
	opts.addFloorServer(set)
	set.BoolFunc("raw", "send publications without an envelope, as /ws/raw does", func(string) error {
		opts.config.URL = "/ws/raw"
		return nil
	})
	refuse(set, "the floor is published to over HTTP at its own address", "publish-url")
	refuse(set, "the floor's processes are measured anyway", "pid")
	refuse(set, "the floor has no metrics", "metrics")
	rest, err := parseFlags(set, args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		printHelp(stdout, floorHelp, set)
		return nil, err
	case len(rest) > 0:
		err = errors.Join(err, fmt.Errorf("unknown argument %q: the floor has no URL", rest[0]))
	}
	return opts, errors.Join(err, opts.needsRate(set))
}

// addScenario lets a command choose what connections do.
func (o *options) addScenario(set *flag.FlagSet) {
	o.config.Scenario = loadtest.Fanout
	set.Func("scenario", "`NAME`: fanout, echo or idle (default fanout)", func(name string) error {
		switch s := loadtest.Scenario(name); s {
		case loadtest.Fanout, loadtest.Echo, loadtest.Idle:
			o.config.Scenario = s
			return nil
		}
		if slices.Contains(loadtest.ShapeNames(), name) {
			return fmt.Errorf("want fanout, echo or idle: %s is a list of phases, with rates and connections of their own", name)
		}
		return errors.New("want fanout, echo or idle")
	})
}

func runFloor(args []string, stdout, stderr io.Writer) int {
	opts, err := parseFloor(args, stdout)
	return opts.report("floor", loadtest.RunFloor, err, stdout, stderr)
}

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
