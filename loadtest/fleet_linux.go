package loadtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"golang.org/x/sys/unix"
)

// fleet is the workers of a run, seen from the coordinator, which alone uses it.
type fleet struct {
	members []*member
	lines   chan memberLine
	cancel  context.CancelFunc
	running int

	latency  *hdrhistogram.Histogram // everything measured so far
	timeline *timeline
}

// member is one worker: a process, or a goroutine of this one.
type member struct {
	number   int
	commands *json.Encoder
	input    io.Closer
	last     progress
	result   *workerResult

	// Of a worker on another machine.
	link  *agentLink // nil for one on this machine
	told  int        // rounds of the clock's estimate that it has been told of
	heard time.Time  // when it last said something

	latency *hdrhistogram.Histogram // its part of the fleet's
}

type memberLine struct {
	from *member
	line workerLine
	err  error // the last thing that a member says; nil if it ended well
}

// wantedProcesses is how many workers the limit on open files asks for.
func wantedProcesses(cfg Config) (int, error) {
	if cfg.Processes > 0 {
		return min(cfg.Processes, cfg.Conns), nil
	}
	var files unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &files); err != nil {
		return 0, os.NewSyscallError("getrlimit", err)
	}
	if files.Cur <= 2*fileReserve {
		return 0, fmt.Errorf("the limit on open files is %d; raise it to at least 1024 (ulimit -n)", files.Cur)
	}
	room := int(min(files.Cur, maxConns)) - fileReserve - cfg.Publishers - cfg.leavingFiles(cfg.Threads)
	if room < 1 {
		return 0, fmt.Errorf("the limit on open files is %d, too low for %d publishers", files.Cur, cfg.Publishers)
	}
	return (cfg.Conns + cfg.heldFiles() + room - 1) / room, nil
}

func newFleet(cancel context.CancelFunc, workers int) *fleet {
	return &fleet{lines: make(chan memberLine), cancel: cancel, latency: newHistogram(), timeline: newTimeline(workers)}
}

// startFleet starts the workers with their specs: a single one on this machine as a goroutine, several as processes.
func startFleet(specs []workerSpec, shares []share, command []string) (*fleet, error) {
	ctx, cancel := context.WithCancel(context.Background())
	f := newFleet(cancel, len(specs))
	startLocal := f.startProcess
	if localWorkers(shares) == 1 {
		startLocal = f.startHere
	}
	for i := range specs {
		start := startLocal
		if l := shares[i].link; l != nil {
			start = l.starter(f)
		}
		if err := start(ctx, command, specs[i]); err != nil {
			return nil, errors.Join(err, f.close())
		}
	}
	return f, nil
}

// startHere runs a worker in this process, over pipes.
func (f *fleet) startHere(ctx context.Context, _ []string, spec workerSpec) error {
	commandsIn, commandsOut := io.Pipe()
	linesIn, linesOut := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := RunWorker(ctx, commandsIn, linesOut)
		_ = commandsIn.CloseWithError(io.ErrClosedPipe)
		_ = linesOut.Close()
		ended <- err
	}()
	return f.join(commandsOut, linesIn, spec, func() error { return <-ended })
}

// startProcess runs a worker in a process of its own.
func (f *fleet) startProcess(ctx context.Context, command []string, spec workerSpec) error {
	process, in, out, err := prepareWorker(ctx, command)
	if err != nil {
		return err
	}
	if err := process.Start(); err != nil {
		return fmt.Errorf("starting a worker: %w", err)
	}
	return f.join(in, out, spec, process.Wait)
}

// join begins to listen to a worker and gives it its spec.
func (f *fleet) join(commands io.WriteCloser, lines io.Reader, spec workerSpec, wait func() error) error {
	m := &member{number: len(f.members), commands: json.NewEncoder(commands), input: commands}
	f.members = append(f.members, m)
	f.running++
	go f.listen(m, json.NewDecoder(lines), wait)
	return m.commands.Encode(spec)
}

// listen passes a worker's lines on until it has ended.
func (f *fleet) listen(m *member, lines *json.Decoder, wait func() error) {
	for {
		var line workerLine
		if err := lines.Decode(&line); err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			f.lines <- memberLine{from: m, err: errors.Join(err, wait(), errEnded)}
			return
		}
		f.lines <- memberLine{from: m, line: line}
	}
}

// errEnded marks a member's last line, whatever else there is to say.
var errEnded = errors.New("worker ended")

// take books a line. An error means that the run cannot go on.
func (f *fleet) take(l memberLine) error {
	l.from.heard = time.Now()
	switch {
	case l.err != nil:
		f.running--
		if l.from.result == nil {
			return fmt.Errorf("%sa worker ended before its time: %w", l.from.link.prefix(), l.err)
		}
	case l.line.Error != "":
		return errors.New(l.from.link.prefix() + l.line.Error)
	case l.line.Result != nil:
		l.from.result = l.line.Result
		l.from.last.takeTally(&l.line.Result.Tally)
		return f.book(l.from, l.line.Result.Latency)
	case l.line.Progress != nil:
		l.from.last = *l.line.Progress
		if l.line.Progress.Second > 0 {
			return f.book(l.from, l.line.Progress.Latency)
		}
	}
	return nil
}

// book puts what a member has said last into the timeline, with what it has measured since.
func (f *fleet) book(from *member, encoded []byte) error {
	f.timeline.take(from.number, from.last, encoded)
	if from.latency != nil {
		if err := mergeEncoded(from.latency, encoded); err != nil {
			return err
		}
	}
	return mergeEncoded(f.latency, encoded)
}

// progress sums up how far the workers are.
func (f *fleet) progress() (total progress) {
	for _, m := range f.members {
		total.add(m.last)
	}
	return total
}

// knownSince says whether all of progress is as new as that.
func (f *fleet) knownSince(at int64) bool {
	for _, m := range f.members {
		if m.last.At < at {
			return false
		}
	}
	return true
}

// command tells all workers something.
func (f *fleet) command(c workerCommand) error {
	var failures []error
	for _, m := range f.members {
		failures = append(failures, m.commands.Encode(c))
	}
	return errors.Join(failures...)
}

// complete says whether every worker has given its result and ended.
func (f *fleet) complete() bool { return f.running == 0 }

// close ends whatever still runs and waits for it.
func (f *fleet) close() error {
	f.cancel()
	for _, m := range f.members {
		_ = m.input.Close()
	}
	for f.running > 0 {
		if l := <-f.lines; l.err != nil {
			f.running--
		}
	}
	return nil
}
