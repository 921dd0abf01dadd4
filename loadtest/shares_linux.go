package loadtest

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"

	"github.com/wsedge/wsedge/loadtest/link"
)

// share is one worker's part of a run.
type share struct {
	first, conns int
	threads      int
	sources      []netip.Prefix
	usable       float64    // cores that are there for the worker
	link         *agentLink // nil on this machine
	epoch        int64      // what CLOCK_MONOTONIC there read at the zero of the run
}

func localWorkers(shares []share) (n int) {
	for _, s := range shares {
		if s.link == nil {
			n++
		}
	}
	return n
}

// cut divides a place's part evenly among its workers; first is the number of its first connection in the run.
func (p *place) cut(first int, l *agentLink, epoch int64) []share {
	shares := make([]share, p.processes)
	for i := range shares {
		from, to := i*p.conns/p.processes, (i+1)*p.conns/p.processes
		shares[i] = share{
			first: first + from, conns: to - from, threads: p.threads, sources: p.sources, link: l, epoch: epoch,
			usable: min(float64(p.threads), float64(p.env.UsableCores)/float64(p.processes)),
		}
	}
	return shares
}

// shareOut settles who holds which connections. threadsAsked is 0 where each machine is to choose.
func (r *run) shareOut(ctx context.Context, threadsAsked int) error {
	here := &place{name: "this machine", env: environment(), sources: r.cfg.Sources, threads: r.cfg.Threads, conns: r.cfg.Conns}
	here.weight = float64(here.env.UsableCores)
	if len(r.cfg.Agents) > 0 && r.unresolved == nil {
		return r.shareAmongAgents(ctx, here, threadsAsked)
	}
	var err error
	if here.processes, err = wantedProcesses(r.cfg); err != nil {
		return usageError(err)
	}
	r.shares = here.cut(0, nil, r.epoch)
	r.cfg.Processes = here.processes
	return nil
}

func (r *run) shareAmongAgents(ctx context.Context, here *place, threadsAsked int) error {
	if err := r.engage(ctx); err != nil {
		return err
	}
	var places []*place
	for _, l := range r.links {
		places = append(places, l.place(threadsAsked, r.cfg.Sources))
	}
	if r.cfg.WithLocal {
		places = append(places, here)
	}
	for _, p := range places {
		p.leaving, p.silent = r.cfg.leavingFiles(p.threads), float64(r.cfg.heldFiles())/float64(r.cfg.Conns)
	}
	err := spread(r.cfg.Conns, places, func(p *place) (int, string) { return p.capacity(r.target.Addr.Addr(), r.cfg.Publishers) })
	if err != nil {
		return usageError(err)
	}
	asked, first := r.cfg.Processes, 0
	r.cfg.Processes = 0
	for i, p := range places {
		p.chooseProcesses(asked, r.cfg.Publishers)
		epoch, l := r.epoch, (*agentLink)(nil)
		if i < len(r.links) {
			l = r.links[i]
			clock := l.clock()
			epoch = clock.line(r.epoch).epoch()
		}
		r.shares = append(r.shares, p.cut(first, l, epoch)...)
		first += p.conns
		r.cfg.Processes += p.processes
	}
	return nil
}

// place is what an agent says of its machine.
func (l *agentLink) place(threadsAsked int, sources []netip.Prefix) *place {
	p := &place{name: "agent " + l.agent.Address, env: l.welcome.Environment, sources: sources, threads: threadsAsked, weight: l.agent.Weight}
	if len(l.welcome.Sources) > 0 {
		p.sources = l.welcome.Sources
	}
	p.env.UsableCores = max(p.env.UsableCores, 1)
	if p.threads == 0 {
		p.threads = min(2, p.env.UsableCores)
	}
	if p.weight == 0 {
		p.weight = float64(p.env.UsableCores)
	}
	return p
}

// engage connects to all agents at once.
func (r *run) engage(ctx context.Context) error {
	token, err := link.NewToken(r.cfg.AgentToken)
	if err != nil {
		return usageError(err)
	}
	setDefault(&r.cfg.silence, agentSilence)
	links, failures := make([]*agentLink, len(r.cfg.Agents)), make([]error, len(r.cfg.Agents))
	var dialing sync.WaitGroup
	for i, a := range r.cfg.Agents {
		dialing.Go(func() {
			if links[i], failures[i] = dialAgent(ctx, a, token, r.cfg.silence); failures[i] == nil {
				failures[i] = links[i].reaches(r.target.Addr.Addr())
			}
		})
	}
	dialing.Wait()
	for _, l := range links {
		if l != nil {
			r.links = append(r.links, l)
		}
	}
	return errors.Join(failures...)
}

// reaches refuses a loopback target for an agent elsewhere: that would be the agent's own machine.
func (l *agentLink) reaches(target netip.Addr) error {
	at, err := netip.ParseAddrPort(l.conn.RemoteAddr().String())
	if err == nil && target.IsLoopback() && !at.Addr().Unmap().IsLoopback() {
		return l.named(usageError(fmt.Errorf("its target %v would be the agent's own machine: name the server by an address that it reaches", target)))
	}
	return nil
}

// closeAgents ends what the agents still do.
func (r *run) closeAgents() {
	for _, l := range r.links {
		l.close()
	}
}
