package loadtest

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net"
	"net/url"
	"os"
	"time"
)

// leadTime is between the order to start and the first message: all workers and publishers are ready by then.
const leadTime = int64(50 * time.Millisecond)

// run is one run, seen by its coordinator.
type run struct {
	cfg    Config
	target target
	id     uint32
	epoch  int64
	clock  clock
	fleet  *fleet
	report *Report
	server serverProbe
	board  *publicationBoard // Fanout
	ticker *time.Ticker
	// unresolved is set where the host's name has no address: then there is no fleet, and no connection.
	unresolved *failure
	topics     topicPlan
	totals     []publisherTotals // by stream
	window     window
	watch      phaseWatch
	phase      Phase
	ends       int64       // the phase does, in ns after the epoch; 0 where that depends on others
	shown      int         // seconds, when soFar was read
	soFar      Percentiles // for observers
	last       progress    // at the end of the last second

	shares []share      // by worker
	links  []*agentLink // in the order of Config.Agents
}

// Run executes a run and reports on it. When ctx is done it ends early, with a report of what there was. An error means
// that there is no report: a bad configuration (ErrUsage), or a worker that failed.
func Run(ctx context.Context, cfg Config) (*Report, error) {
	if cfg.Floor.Rounds > 0 {
		return runBesideFloor(ctx, cfg)
	}
	return runOnce(ctx, cfg)
}

// runOnce is a run without the floor.
func runOnce(ctx context.Context, cfg Config) (*Report, error) {
	r, err := newRun(ctx, cfg)
	if err != nil {
		return nil, err
	}
	defer r.closeAgents()
	return r.execute(ctx)
}

// execute does what was prepared.
func (r *run) execute(ctx context.Context) (*Report, error) {
	if r.unresolved != nil {
		r.fleet = newFleet(func() {}, 0)
		r.finish()
		return r.report, nil
	}
	if err := r.start(); err != nil {
		return nil, err
	}
	defer r.ticker.Stop()
	err := r.phases(ctx)
	if closeErr := r.fleet.close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return nil, err
	}
	r.report.Interrupted = ctx.Err() != nil
	if err := r.closeLast(); err != nil {
		return nil, err
	}
	r.finish()
	return r.report, nil
}

func newRun(ctx context.Context, cfg Config) (*run, error) {
	threadsAsked := cfg.Threads
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, usageError(err)
	}
	t, u, err := parseTarget(cfg)
	if err != nil {
		return nil, usageError(err)
	}
	unresolved, err := resolve(ctx, &t, u)
	if err != nil {
		return nil, usageError(err)
	}
	if unresolved == nil && len(cfg.Sources) > 0 && cfg.Sources[0].Addr().Is4() != t.Addr.Addr().Is4() {
		return nil, usageError(fmt.Errorf("sources %v cannot reach %v", cfg.Sources, t.Addr))
	}
	for _, node := range cfg.Also {
		if unresolved == nil && node.Addr().Is4() != t.Addr.Addr().Is4() {
			return nil, usageError(fmt.Errorf("nodes %v and %v are not of one address family", t.Addr, node))
		}
	}
	var id [4]byte
	if _, err := rand.Read(id[:]); err != nil {
		return nil, err
	}
	r := &run{phase: PhaseConnecting, cfg: cfg, target: t, id: binary.LittleEndian.Uint32(id[:]), epoch: monotonicNow(), unresolved: unresolved}
	r.clock = newClock(r.epoch)
	r.topics = newTopicPlan(cfg, t.Channel)
	r.report = &Report{
		Schema: SchemaVersion, Command: withoutSecrets(os.Args), Started: time.Now(), Environment: environment(),
		Run: string(appendHex8(nil, r.id)), ClosedLoop: cfg.Scenario == Echo && cfg.Rate == 0,
	}
	if err := r.server.open(cfg); err != nil {
		return nil, usageError(err)
	}
	if err := r.shareOut(ctx, threadsAsked); err != nil {
		r.closeAgents()
		return nil, err
	}
	r.report.Config = r.configEcho()
	return r, nil
}

// resolve tells a name without an address, which is a result of the run, from a URL that makes no sense.
func resolve(ctx context.Context, t *target, u *url.URL) (unresolved *failure, err error) {
	err = t.resolve(ctx, u)
	var dns *net.DNSError
	if errors.As(err, &dns) {
		f := failureOf("resolve", dns)
		return &f, nil
	}
	return nil, err
}

func (r *run) start() (err error) {
	if r.fleet, err = startFleet(r.specs(), r.shares, r.cfg.WorkerCommand); err != nil {
		return err
	}
	r.ticker = time.NewTicker(statusInterval)
	return nil
}

// specs shares the run out among the workers.
func (r *run) specs() []workerSpec {
	loops := 0
	specs := make([]workerSpec, len(r.shares))
	for i := range specs {
		s := r.shares[i]
		from, to := s.first, s.first+s.conns
		share := float64(to-from) / float64(r.cfg.Conns)
		specs[i] = workerSpec{
			Scenario: r.cfg.Scenario, Addr: r.target.Addr, Host: r.target.Host, Path: r.target.Path,
			Header: headerBlock(r.cfg.Header) + r.cfg.Deflate.headerLine(), TLS: r.target.TLS, Deflate: r.cfg.Deflate,
			Stalled: r.cfg.Stalled, Protocol: r.target.spoken(), Topics: r.topics,
			First: from, Conns: to - from, TotalConns: r.cfg.Conns, Threads: s.threads,
			ConnectRate: r.cfg.ConnectRate * share, MaxInFlight: max(1, int(float64(r.cfg.MaxInFlight)*share)),
			Sources: s.sources, Also: r.cfg.Also, Run: r.id, Epoch: s.epoch, Payload: r.cfg.Payload,
			Phases: r.cfg.Phases, Initial: r.cfg.initial, NoRetry: r.cfg.NoRetry, Backoff: r.cfg.Backoff, Seed: r.cfg.Seed,
			SequenceLimit: r.sequenceLimit(), Plan: r.plan(), SetupTimeout: r.cfg.SetupTimeout, FirstLoop: loops,
		}
		loops += specs[i].loops()
	}
	for i := range specs {
		specs[i].Loops = loops
	}
	return specs
}

func (r *run) plan() arrivalPlan {
	return arrivalPlan{Arrivals: r.cfg.Arrivals, Rate: r.cfg.Rate, Batch: r.cfg.Outstanding, Seed: r.cfg.Seed}
}

// sequenceLimit is more than one publisher can come to, even if it has to do all the work: the number of Poisson arrivals
// stays within ten standard deviations of its mean.
func (r *run) sequenceLimit() uint32 {
	batch := float64(max(r.cfg.Outstanding, r.cfg.Arrivals.burst))
	for _, p := range r.cfg.Phases { // all at the rate of the peak
		batch = max(batch, float64(p.Arrivals.burst))
	}
	batches := r.cfg.Rate * (r.cfg.Warmup + r.cfg.Duration).Seconds() / batch
	all := batch * (batches + 10*math.Sqrt(batches) + 2)
	return uint32(min(all, math.MaxUint32))
}

// phases goes through the run. What ctx cuts short is left out, down to the results.
func (r *run) phases(ctx context.Context) error {
	began := r.clock.now()
	r.enter(PhaseConnecting, 0)
	if err := r.await(ctx, never, r.allSetUp); err != nil {
		return err
	}
	r.report.Connections.SetupSecs = float64(r.clock.now()-began) / 1e9
	rested := r.clock.now() + int64(r.cfg.Settle)
	r.enter(PhaseSettling, rested)
	if err := r.await(ctx, rested, neverDone); err != nil {
		return err
	}
	r.server.settled()
	if ctx.Err() == nil && (r.fleet.progress().Ready > 0 || len(r.cfg.Phases) > 0 && r.cfg.initial == 0) {
		if err := r.load(ctx); err != nil {
			return err
		}
	}
	if err := r.compareClocksAgain(ctx); err != nil {
		return err
	}
	r.server.after()
	r.enter(PhaseClosing, 0)
	ctx = context.WithoutCancel(ctx)
	if err := r.sendTimes(ctx); err != nil {
		return err
	}
	if err := r.fleet.command(workerCommand{Stop: &stopCommand{Totals: withoutTimes(r.totals), Doubt: r.clockDoubt()}}); err != nil {
		return err
	}
	return r.await(ctx, never, r.fleet.complete)
}

func (r *run) allSetUp() bool {
	p := r.fleet.progress()
	if len(r.cfg.Phases) > 0 {
		return p.Ready+p.Failed == r.cfg.initial
	}
	return p.Ready+p.Failed == r.cfg.Conns
}

func neverDone() bool { return false }

// await takes lines from the workers until done, a time, or the end of ctx.
func (r *run) await(ctx context.Context, until int64, done func() bool) error {
	var timeout <-chan time.Time
	if until != never {
		timer := time.NewTimer(time.Duration(until - r.clock.now()))
		defer timer.Stop()
		timeout = timer.C
	}
	for !done() {
		select {
		case <-ctx.Done():
			return nil
		case <-timeout:
			return nil
		case <-r.ticker.C:
			if err := errors.Join(r.closeSeconds(), r.tendAgents()); err != nil {
				return err
			}
			r.showStatus()
		case line := <-r.fleet.lines:
			if err := errors.Join(r.fleet.take(line), r.closeSeconds()); err != nil {
				return err
			}
		}
	}
	return nil
}

// load sends, measures, and waits for what is under way.
func (r *run) load(ctx context.Context) error {
	start := r.clock.now() + leadTime + 2*r.markClocks()
	w := window{Send: start, From: start + int64(r.cfg.Warmup)}
	w.End = w.From + int64(r.cfg.Duration)
	if len(r.cfg.Phases) > 0 {
		w = windowOf(r.cfg.Phases, start)
	}
	r.window = w
	defer r.watchPhases()()
	r.enter(PhaseWarmup, w.From)
	if err := r.fleet.command(workerCommand{Start: &w}); err != nil {
		return err
	}
	switch r.cfg.Scenario {
	case Fanout:
		return r.fanout(ctx)
	case Echo:
		return r.sendAndDrain(ctx, func() bool {
			p := r.fleet.progress()
			return r.fleet.knownSince(r.window.End) && p.Sending == 0 && r.arrived(func(p progress) bool { return p.Delivered >= p.Sent })
		})
	default:
		return r.sendAndDrain(ctx, func() bool { return true })
	}
}

// sendAndDrain lets the workers send (Echo) or rest (Idle) for the window's time.
func (r *run) sendAndDrain(ctx context.Context, drained func() bool) error {
	if err := r.await(ctx, r.window.From, neverDone); err != nil {
		return err
	}
	r.beginWindow()
	if err := r.await(ctx, r.window.End, neverDone); err != nil {
		return err
	}
	if r.cfg.Scenario == Echo {
		if err := r.await(ctx, r.clock.now()+int64(r.cfg.Drain), drained); err != nil {
			return err
		}
	}
	r.endWindow()
	return nil
}

// beginWindow and endWindow note the CPU time of the server.
func (r *run) beginWindow() { r.server.begin(r.clock.now()) }

func (r *run) endWindow() { r.server.end(r.clock.now()) }
