package workers

import (
	"bytes"
	"slices"
	"time"
)

// spare is what a worker may take beyond Config.DrainTime before it is killed.
const spare = 10 * time.Second

// reloadPatience is how long workers may take to reload, before nobody waits for them any more.
const reloadPatience = 30 * time.Second

// Drain has all workers end with grace. It does not wait; Run returns when they have.
func (s *Supervisor) Drain() { s.do(s.drain) }

func (s *Supervisor) drain() {
	if s.draining {
		return
	}
	s.change(func() { s.draining, s.rolling = true, false })
	s.each(func(p *process) { p.say(Command{Verb: Drain}) })
	s.after(s.config.DrainTime+spare, s.cut)
}

// Cut ends what has not drained yet.
func (s *Supervisor) Cut() { s.do(s.cut) }

func (s *Supervisor) cut() {
	if s.running() > 0 {
		s.problem = ErrCut
	}
	s.change(func() { s.draining = true })
	s.each((*process).kill)
}

// each does f with all processes.
func (s *Supervisor) each(f func(p *process)) {
	for _, sl := range s.slots {
		for _, p := range sl.processes() {
			f(p)
		}
	}
}

// Reload has all workers take over a configuration: the text of the file, or nil where there is none or it could not be read. What several say to
// it is logged once. Where nobody refuses it, workers that are started from then on have it, too; otherwise they have that which was good before.
func (s *Supervisor) Reload(config []byte) { s.do(func() { s.reload(config) }) }

func (s *Supervisor) reload(config []byte) {
	if s.draining {
		return
	}
	if len(s.reloading) > 0 { // answers tell of one at a time
		s.next = func() { s.reload(config) }
		return
	}
	s.reloads++
	s.told = nil
	s.offered, s.taken, s.refused = config, 0, 0
	s.each(func(p *process) {
		if p.state == starting || p.state == ready { // one that is starting does it as soon as it is ready
			s.reloading[p] = true
			p.say(Command{Verb: Reload, Config: config})
		}
	})
	now := s.reloads
	s.after(reloadPatience, func() {
		if s.reloads == now && len(s.reloading) > 0 {
			s.config.Logger.Warn("workers have not reloaded in time", "workers", len(s.reloading))
			clear(s.reloading)
			s.allReloaded()
		}
	})
	if len(s.reloading) == 0 {
		s.allReloaded()
	}
}

// reloaded notes that a process has answered.
func (s *Supervisor) reloaded(p *process, r *report) {
	switch {
	case !s.reloading[p]: // it was not waited for any longer
		return
	case r.Refused:
		s.refused++
	default:
		s.taken++
	}
	s.unasked(p)
}

// unasked notes that nobody waits for a process any more: it has reloaded, or has ended.
func (s *Supervisor) unasked(p *process) {
	if !s.reloading[p] {
		return
	}
	delete(s.reloading, p)
	if len(s.reloading) == 0 {
		s.allReloaded()
	}
}

// allReloaded notes that nobody is waited for any more.
func (s *Supervisor) allReloaded() {
	if s.offered != nil && s.refused == 0 && s.taken > 0 {
		s.config.Orders.Config = s.offered
	}
	s.offered = nil
	if next := s.next; next != nil {
		s.next = nil
		next()
	} else if s.started && !s.draining { // who waits for the start is told of that
		s.config.Reloaded()
	}
}

// Roll replaces the workers one by one: the next is begun with when one has taken over and its predecessor has drained. Where one does not get
// ready, its predecessor stays, and that is the end of it. New ones have the configuration, nil where there is none, with all that counts at a start.
func (s *Supervisor) Roll(config []byte) { s.do(func() { s.roll(config) }) }

func (s *Supervisor) roll(config []byte) {
	switch {
	case s.draining || !s.started:
	case s.rolling:
		s.config.Logger.Warn("a rolling restart is under way already")
	default:
		s.config.Logger.Info("rolling restart")
		s.before = [2][]byte{s.config.Orders.Config, s.config.Orders.Basis}
		s.config.Orders.Config, s.config.Orders.Basis = config, config
		s.change(func() { s.rolling = true })
		for _, sl := range s.slots {
			sl.due = true
		}
		s.rollOn()
	}
}

// rollOn begins with the next worker.
func (s *Supervisor) rollOn() {
	if !s.rolling || slices.ContainsFunc(s.slots, func(sl *slot) bool { return sl.fresh != nil || sl.old != nil }) {
		return
	}
	for _, sl := range s.slots {
		if !sl.due {
			continue
		}
		sl.due = false
		if sl.current == nil || sl.current.state != ready {
			continue // it is being started anyway
		}
		p, err := s.startIn(sl)
		if err != nil {
			s.giveUp("a worker cannot be started", "worker", sl.index, "error", err)
			return
		}
		s.change(func() { sl.fresh = p })
		s.watchStart(p)
		return
	}
	s.change(func() { s.rolling = false })
	s.config.Logger.Info("rolling restart ended")
}

// giveUp ends a rolling restart. Nobody is to start by a configuration with which workers do not get ready.
func (s *Supervisor) giveUp(why string, about ...any) {
	s.config.Logger.Error("rolling restart given up: "+why, about...)
	s.change(func() { s.rolling = false })
	if o := &s.config.Orders; bytes.Equal(o.Config, o.Basis) { // no reload has been taken meanwhile
		o.Config, o.Basis = s.before[0], s.before[1]
	}
}

// retire has a process end whose successor serves.
func (s *Supervisor) retire(p *process) {
	go func() {
		s.look([]*process{p}) // what it has counted
		s.do(func() {
			if p.state != ended {
				p.say(Command{Verb: Retire})
			}
		})
	}()
	s.after(s.config.DrainTime+spare, func() {
		if p.state != ended {
			s.config.Logger.Error("worker does not retire in time, it is killed", "worker", p.slot.index, "pid", p.cmd.Process.Pid)
			p.kill()
		}
	})
}
