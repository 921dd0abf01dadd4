package workers

import (
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
	s.each(func(p *process) { p.say(Drain) })
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

// Reload has all workers read the configuration again. What several say to it is logged once.
func (s *Supervisor) Reload() { s.do(s.reload) }

func (s *Supervisor) reload() {
	if s.draining {
		return
	}
	s.reloads++
	s.told = nil
	s.each(func(p *process) {
		switch p.state {
		case starting:
			p.reload = true // it may have read the old one
		case ready:
			s.reloading[p] = true
			p.say(Reload)
		}
	})
	now := s.reloads
	s.after(reloadPatience, func() {
		if s.reloads == now && len(s.reloading) > 0 {
			s.config.Logger.Warn("workers have not reloaded in time", "workers", len(s.reloading))
			clear(s.reloading)
			s.config.Reloaded()
		}
	})
	if len(s.reloading) == 0 {
		s.config.Reloaded()
	}
}

// reloaded notes that a process has reloaded, or has ended.
func (s *Supervisor) reloaded(p *process) {
	if !s.reloading[p] {
		return
	}
	delete(s.reloading, p)
	if len(s.reloading) == 0 {
		s.config.Reloaded()
	}
}

// Roll replaces the workers one by one: the next is begun with when one has taken over and its predecessor has drained. Where one does not get
// ready, its predecessor stays, and that is the end of it.
func (s *Supervisor) Roll() { s.do(s.roll) }

func (s *Supervisor) roll() {
	switch {
	case s.draining || !s.started:
	case s.rolling:
		s.config.Logger.Warn("a rolling restart is under way already")
	default:
		s.config.Logger.Info("rolling restart")
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
			s.config.Logger.Error("rolling restart given up: a worker cannot be started", "worker", sl.index, "error", err)
			break
		}
		s.change(func() { sl.fresh = p })
		s.watchStart(p)
		return
	}
	s.change(func() { s.rolling = false })
	s.config.Logger.Info("rolling restart ended")
}

// retire has a process end whose successor serves.
func (s *Supervisor) retire(p *process) {
	go func() {
		s.look([]*process{p}) // what it has counted
		s.do(func() {
			if p.state != ended {
				p.say(Retire)
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
