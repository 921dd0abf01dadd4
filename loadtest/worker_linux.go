package loadtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"golang.org/x/sys/unix"
)

const progressInterval = 100 * time.Millisecond

// worker runs its share of the connections and talks to the coordinator.
type worker struct {
	spec    workerSpec
	clock   clock
	loops   []*loop
	ended   chan error // one from each loop
	out     *json.Encoder
	spare   *hdrhistogram.Histogram
	second  int // of the run: those before it are closed
	window  window
	cpu     cpuMark
	cpuBusy float64
	times   publicationTimes
}

// RunWorker is the whole of a worker process: it reads what to do from in, and writes what happens to out, until it is told
// to stop, in ends, or ctx is done. Config.WorkerCommand has to come to this.
func RunWorker(ctx context.Context, in io.Reader, out io.Writer) error {
	w := &worker{out: json.NewEncoder(out), spare: newHistogram()}
	commands := json.NewDecoder(in)
	if err := commands.Decode(&w.spec); err != nil {
		return fmt.Errorf("worker: no specification: %w", err)
	}
	err := w.run(ctx, commands)
	if err != nil {
		err = errors.Join(err, w.out.Encode(workerLine{Error: err.Error()}))
	}
	return err
}

func (w *worker) run(ctx context.Context, commands *json.Decoder) error {
	w.clock = newClock(w.spec.Epoch)
	w.window = window{From: never, End: never}
	if err := w.startLoops(); err != nil {
		return err
	}
	stop, err := w.serve(ctx, commands)
	if stopErr := w.stopLoops(); err == nil {
		err = stopErr
	}
	if err != nil {
		return err
	}
	return w.result(w.times.into(stop.Totals), stop.Doubt)
}

func (w *worker) startLoops() error {
	config, err := w.spec.tlsConfig()
	if err != nil {
		return err
	}
	n := w.spec.loops()
	w.ended = make(chan error, n)
	for i := range n {
		from, to := i*w.spec.Conns/n, (i+1)*w.spec.Conns/n
		l, err := newLoop(&w.spec, w.spec.FirstLoop+i, w.spec.First+from, to-from)
		if err != nil {
			return errors.Join(err, w.stopLoops())
		}
		if config != nil {
			l.useTLS(config, w.spec.TLS.compact())
		}
		w.loops = append(w.loops, l)
		go func() { w.ended <- l.run() }()
	}
	return nil
}

// stopLoops ends all loops and waits for them; afterwards their state may be read.
func (w *worker) stopLoops() error {
	for _, l := range w.loops {
		l.post(workerCommand{Stop: &stopCommand{}})
	}
	var failures []error
	for range w.loops {
		failures = append(failures, <-w.ended)
	}
	return errors.Join(failures...)
}

// serve reports progress until there is a command to stop.
func (w *worker) serve(ctx context.Context, commands *json.Decoder) (*stopCommand, error) {
	inbox := make(chan workerCommand)
	failed := make(chan error, 1)
	quit := make(chan struct{})
	defer close(quit)
	go readCommands(commands, inbox, failed, quit)
	ticker := time.NewTicker(progressInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case err := <-failed:
			return nil, err
		case <-ticker.C:
			if err := w.report(); err != nil {
				return nil, err
			}
		case c := <-inbox:
			if c.Stop != nil {
				return c.Stop, nil
			}
			if c.Start != nil {
				w.window = *c.Start
			}
			if c.Times != nil {
				w.times.take(c.Times)
				continue
			}
			if c.Clock != nil {
				w.clock = newClockOn(*c.Clock)
			}
			for _, l := range w.loops {
				l.post(c)
			}
		}
	}
}

func readCommands(from *json.Decoder, inbox chan<- workerCommand, failed chan<- error, quit <-chan struct{}) {
	for {
		var c workerCommand
		if err := from.Decode(&c); err != nil {
			failed <- fmt.Errorf("worker: the coordinator is gone: %w", err)
			return
		}
		select {
		case inbox <- c:
		case <-quit:
			return
		}
		if c.Stop != nil {
			return
		}
	}
}

// report writes a progress line.
func (w *worker) report() error {
	w.markWindow()
	now := w.clock.now() // before the loops are asked: one in the midst of a long turn lets others wait
	var total tallyCounts
	for _, l := range w.loops {
		total.add(l.tally.snapshot())
	}
	line := total.progress()
	line.At, line.Taken, line.CPU = now, w.times.taken, cpuTime(unix.CLOCK_PROCESS_CPUTIME_ID)
	if second := int(now / int64(time.Second)); second > w.second {
		encoded, err := encodeHistogram(w.takeLatency())
		if err != nil {
			return err
		}
		w.second, line.Second, line.Latency = second, second, encoded
	}
	return w.out.Encode(workerLine{Progress: &line})
}

// takeLatency gathers what the loops have measured since the last time.
func (w *worker) takeLatency() *hdrhistogram.Histogram {
	sum := newHistogram()
	for _, l := range w.loops {
		w.spare = l.tally.swapLatency(w.spare)
		sum.Merge(w.spare)
		w.spare.Reset()
	}
	return sum
}

// markWindow measures the process's CPU time over the window, to within a progress interval at each end.
func (w *worker) markWindow() {
	now := w.clock.now()
	if now >= w.window.From && !w.cpu.begun {
		w.cpu.begin(unix.CLOCK_PROCESS_CPUTIME_ID, now)
	}
	if now >= w.window.End && w.cpu.begun && !w.cpu.ended && now > w.cpu.at { // not of no time at all
		w.cpuBusy = w.cpu.end(now)
	}
}

// result settles the ledgers and writes the last line. totals are by stream; clocks may have been wrong by doubt, in ns.
func (w *worker) result(totals []publisherTotals, doubt int64) error {
	w.markWindow()
	if w.cpu.begun && !w.cpu.ended { // cut short
		w.cpuBusy = w.cpu.end(w.clock.now())
	}
	tlsTimes := newHistogram()
	r := workerResult{TLS: newTLSCounts(), Failures: map[string]uint64{}, Endings: map[string]uint64{}, Errors: newErrorCounts(), CPUBusy: w.cpuBusy, CPU: w.cpu.used}
	connect, subscribe, lag, slow := newHistogram(), newHistogram(), newHistogram(), newHistogram()
	r.Retries, r.ReadyByTopic = map[string]uint64{}, make([]int, w.spec.Topics.count())
	phases := make([]*phaseTally, len(w.spec.Phases))
	for i := range phases {
		phases[i] = newPhaseTally()
	}
	var classes []*hdrhistogram.Histogram
	for _, l := range w.loops {
		l.settle(totals, doubt, &r)
		r.Ledger.add(l.ledger.counts)
		r.Tally.add(l.tally.counts)
		r.LoopBusy = append(r.LoopBusy, l.tally.busy)
		lag.Merge(l.lag.lags)
		connect.Merge(l.tally.connect)
		subscribe.Merge(l.tally.subscribe)
		mergeCounts(r.Failures, l.tally.failures)
		mergeCounts(r.Endings, l.tally.endings)
		r.Errors.add(l.tally.errors)
		mergeRecords(&r.Records, l.records)
		mergeCounts(r.Retries, l.tally.retries)
		r.Slow.add(l.tally.slow)
		slow.Merge(l.tally.slow.latency)
		for i, t := range l.tally.phases {
			phases[i].merge(t)
		}
		mergeClasses(&classes, l.tally.classes)
		tlsTimes.Merge(l.tally.tlsTimes)
		r.TLS.add(l.tally.tls)
		r.Deflate.add(l.deflateCounts())
	}
	var failures [6]error
	r.Latency, failures[0] = encodeHistogram(w.takeLatency())
	r.Connect, failures[1] = encodeHistogram(connect)
	r.Subscribe, failures[2] = encodeHistogram(subscribe)
	r.Lag, failures[3] = encodeHistogram(lag)
	r.Classes, failures[4] = encodeClasses(classes)
	r.TLSTimes, failures[5] = encodeHistogram(tlsTimes)
	if err := errors.Join(errors.Join(failures[:]...), r.takePhases(phases, slow)); err != nil {
		return err
	}
	return w.out.Encode(workerLine{Result: &r})
}

// settle closes the accounts of all connections that were ready at some time. It is called after the loop has ended.
func (l *loop) settle(totals []publisherTotals, doubt int64, r *workerResult) {
	if l.spec.phased() {
		l.settleLives(totals, doubt)
	}
	for slot := range l.conns {
		c := &l.conns[slot]
		if c.life == lifeNone {
			continue
		}
		r.ReadyByTopic[l.topic(slot)]++
		switch {
		case l.spec.phased():
		case l.spec.Scenario == Echo:
			l.ledger.settle(slot, []publisherTotals{{Sent: c.sent}})
		case l.spec.Scenario == Fanout:
			l.ledger.settle(slot, totals)
		}
	}
	l.ledger.counts.Corrupted += l.tally.counts.Corrupted
	l.ledger.counts.Misdelivered += l.tally.counts.Misdelivered
}
