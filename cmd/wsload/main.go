package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"

	"github.com/wsedge/wsedge/loadtest"
)

// Exit codes.
const (
	exitOK         = 0
	exitFailed     = 1
	exitUsage      = 2
	exitUnexpected = 3
	exitInvalid    = 4
)

// spareThreads lets the runtime run publishers, reports and its collector while every loop is busy: a loop holds on to its
// processor for as long as it has something to do.
const spareThreads = 4

func main() {
	runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + spareThreads)
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		fmt.Fprint(stderr, overview)
		return exitUsage
	}
	switch name := args[0]; name {
	case "fanout", "echo", "idle":
		return runScenario(loadtest.Scenario(name), args[1:], stdout, stderr)
	case "churn", "storm", "slow", "mixed":
		return runShape(name, args[1:], stdout, stderr)
	case "run", "check":
		return runFile(name, args[1:], stdout, stderr)
	case "compare":
		return runCompare(args[1:], stdout, stderr)
	case "agent":
		return runAgent(args[1:], stdout, stderr)
	case "worker":
		return runWorker(stdin, stdout, stderr)
	case "search":
		return runSearch(args[1:], stdout, stderr)
	case "curve":
		return runCurve(args[1:], stdout, stderr)
	case "floor":
		return runFloor(args[1:], stdout, stderr)
	case "floor-server":
		return runFloorServer(stdin, stdout, stderr)
	case "help", "-h", "-help", "--help":
		if len(args) == 2 {
			return run([]string{args[1], "--help"}, stdin, stdout, stderr)
		}
		fmt.Fprint(stdout, overview)
		return exitOK
	default:
		fmt.Fprintf(stderr, "wsload: unknown command %q\n\n%s", name, overview)
		return exitUsage
	}
}

func runScenario(scenario loadtest.Scenario, args []string, stdout, stderr io.Writer) int {
	opts, err := parseOptions(scenario, args, stdout)
	return opts.report(string(scenario), loadtest.Run, err, stdout, stderr)
}

// report runs what was asked for, unless parsing failed, and says what came of it.
func (opts *options) report(name string, measure runner, err error, stdout, stderr io.Writer) int {
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		complain(stderr, name, err)
		return exitUsage
	}
	if err := opts.files.check(); err != nil {
		complain(stderr, name, err)
		return exitUsage
	}
	ctx, stop := interruptible(stderr)
	defer stop()
	stopObserving, err := opts.observe(stderr)
	if err != nil {
		complain(stderr, name, err)
		return exitUsage
	}
	report, err := runObserved(ctx, measure, opts.config, stopObserving)
	if err != nil {
		complain(stderr, name, err)
		if errors.Is(err, loadtest.ErrUsage) {
			return exitUsage
		}
		return exitFailed
	}
	if err := opts.files.publish(report, stdout); err != nil {
		complain(stderr, name, err)
		return exitFailed
	}
	return exitCode(report, opts.acceptInvalid, stderr)
}

// exitCode tells the worst: what was lost is lost whatever the generator's state, but latencies that it spoilt are neither
// good nor bad.
func exitCode(report *loadtest.Report, acceptInvalid bool, stderr io.Writer) int {
	for _, e := range report.Expectations {
		if !e.OK {
			fmt.Fprintf(stderr, "wsload: expected %s\n", e.Line)
		}
	}
	switch {
	case !report.Verdict.OK:
		return exitFailed
	case report.Verdict.Invalid && !acceptInvalid:
		return exitInvalid
	case !report.MeetsExpectations():
		return exitUnexpected
	default:
		return exitOK
	}
}

// runner measures, as loadtest.Run does.
type runner func(context.Context, loadtest.Config) (*loadtest.Report, error)

// runObserved gives the terminal back however the run ends.
func runObserved(ctx context.Context, measure runner, cfg loadtest.Config, stopObserving func()) (*loadtest.Report, error) {
	defer stopObserving()
	return measure(ctx, cfg)
}

// runWorker serves a coordinator. An interrupt from the terminal reaches all processes; only the coordinator acts on it.
func runWorker(stdin io.Reader, stdout, stderr io.Writer) int {
	signal.Ignore(os.Interrupt)
	if err := loadtest.RunWorker(context.Background(), stdin, stdout); err != nil {
		fmt.Fprintf(stderr, "wsload worker: %v\n", err)
		return exitFailed
	}
	return exitOK
}
