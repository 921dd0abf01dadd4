package loadtest

import (
	"context"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// probeLead is how long before the first measured publication the server's CPU time is read; reading takes some 50 µs.
const probeLead = int64(time.Millisecond)

// fanout publishes by the schedule and waits until everything acknowledged is delivered.
func (r *run) fanout(ctx context.Context) error {
	r.board = newBoard(r.clock, r.window)
	scheduling, stopSchedule := context.WithCancel(ctx)
	// The publishers outlive ctx: what is under way at an interruption gets its answer.
	publishing, stopPublishers := context.WithCancel(context.WithoutCancel(ctx))
	publishers, err := r.newPublishers()
	if err != nil {
		stopSchedule()
		stopPublishers()
		return err
	}
	r.totals = make([]publisherTotals, r.topics.streams())
	var group sync.WaitGroup
	for i := range publishers {
		group.Go(func() { r.takeTotals(i, publishers[i].run(publishing)) })
	}
	scheduled, published := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(scheduled)
		r.publishAll(scheduling, r.schedule(), publishers)
	}()
	go func() { defer close(published); group.Wait() }()
	err = r.awaitPublished(ctx, scheduled, published)
	stopSchedule()
	stopPublishers()
	<-scheduled
	<-published
	r.endWindow()
	return err
}

// newPublishers makes them all; they connect when they run.
func (r *run) newPublishers() ([]*publisher, error) {
	publishers := make([]*publisher, r.cfg.Publishers)
	for i := range publishers {
		line, err := r.newLine(i)
		if err != nil {
			return nil, err
		}
		publishers[i] = newPublisher(r.board, &r.topics, line)
	}
	return publishers, nil
}

// takeTotals sorts a publisher's totals by stream; no two publishers have one in common.
func (r *run) takeTotals(publisher int, totals []publisherTotals) {
	for index, t := range totals {
		if stream := publisher + index*r.cfg.Publishers; stream < len(r.totals) {
			r.totals[stream] = t
		}
	}
}

// owed is how many deliveries are to come in all, with those of unknown outcome, which are delivered as others are where they
// come: left out, they would stand in for as many that are still under way. Where connections are missing from several topics it is too many: which
// topics they were of is known at the end.
func (r *run) owed(p progress) uint64 {
	if r.topics.count() == 1 {
		counts := r.board.snapshot()
		return (counts.Acknowledged + counts.Unknown) * uint64(p.Ready)
	}
	return r.board.deliveries()
}

// arrived says whether all has come that will come.
func (r *run) arrived(usual func(p progress) bool) bool {
	if r.cfg.all != nil {
		usual = r.cfg.all
	}
	return usual(r.fleet.progress())
}

// awaitPublished waits for the end of the schedule, then, for as long as Drain, for answers and deliveries.
func (r *run) awaitPublished(ctx context.Context, scheduled, published <-chan struct{}) error {
	// The schedule ends with the window, or soon after ctx, but for a server that does not take what is written.
	if err := r.await(ctx, r.window.End+int64(r.cfg.Drain), func() bool { return isClosed(scheduled) }); err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	if err := r.await(ctx, r.clock.now()+int64(r.cfg.Drain), func() bool { return isClosed(scheduled) }); err != nil {
		return err
	}
	until := r.clock.now() + int64(r.cfg.Drain)
	if len(r.cfg.Phases) > 0 {
		return r.awaitLives(ctx, until, published)
	}
	return r.await(ctx, until, func() bool {
		return isClosed(published) && r.arrived(func(p progress) bool { return p.Delivered >= r.owed(p) })
	})
}

// schedule is when to publish.
func (r *run) schedule() arrivalTimes {
	if len(r.cfg.Phases) > 0 {
		return newPhasedSchedule(r.cfg.Phases, r.window.Send, r.cfg.Outstanding, r.cfg.Seed)
	}
	return newSchedule(r.window.Send, r.plan())
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// publishAll hands each publication to its publisher when it is due. It has a thread of its own with the finest timer, so
// that a busy runtime does not hold the schedule up.
func (r *run) publishAll(ctx context.Context, plan arrivalTimes, publishers []*publisher) {
	runtime.LockOSThread() // never unlocked: the thread ends with the goroutine, and its timer slack with it
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
	defer func() {
		for _, p := range publishers {
			p.close()
		}
	}()
	measuring := r.window.From == r.window.End
	measure := func() bool { // once, with or without a publication at that time
		if !measuring {
			if measuring = r.clock.sleepUntil(r.window.From-probeLead, ctx.Done()); measuring {
				r.beginWindow()
			}
		}
		return measuring
	}
	streams := newTurns(&r.topics, r.cfg.TopicRates)
	for at := plan.next(); at < r.window.End; at = plan.next() {
		if at >= r.window.From && !measure() {
			return
		}
		if !r.clock.sleepUntil(at, ctx.Done()) {
			return
		}
		r.board.scheduled()
		stream := streams.stream()
		publisher, _ := r.topics.publisherOf(stream)
		publishers[publisher].submit(publication{stream, at})
	}
	if !measure() {
		return
	}
	// The last publication's share of the time belongs to the window too.
	r.clock.sleepUntil(r.window.End, ctx.Done())
}
