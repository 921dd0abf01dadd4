package main

import (
	"context"
	"errors"
	"syscall"
	"time"
)

// inject makes a fault, holds it, and mends it. When it returns everything runs, though it may not have recovered.
func (w *world) inject(ctx context.Context, f fault) error {
	s := w.numbered()[f.Target]
	switch f.Kind {
	case killNode, killEngine:
		if err := s.end(syscall.SIGKILL); err != nil {
			return err
		}
		hold(ctx, f.Hold)
		return w.again(ctx, s)
	case pause:
		if err := s.signal(syscall.SIGSTOP, false); err != nil {
			return err
		}
		hold(ctx, f.Hold)
		return s.signal(syscall.SIGCONT, false)
	case partition:
		if err := s.machine.cut(f.Sides, true); err != nil {
			return err
		}
		hold(ctx, f.Hold)
		return s.machine.cut(f.Sides, false)
	case oneWay:
		peer := w.numbered()[f.Peer].machine
		if err := s.machine.lose(peer, true); err != nil {
			return err
		}
		hold(ctx, f.Hold)
		return s.machine.lose(peer, false)
	case both:
		other := make(chan error, 1)
		go func() { other <- w.inject(ctx, f.Both[1]) }()
		return errors.Join(w.inject(ctx, f.Both[0]), <-other)
	case killAll:
		return w.killAll(ctx, f.Hold)
	}
	return w.roll(ctx)
}

// numbered are the servers as faults number them.
func (w *world) numbered() []*server { return append(append([]*server(nil), w.nodes...), w.engines...) }

// roll restarts one node after the other, as an upgrade does.
func (w *world) roll(ctx context.Context) error {
	for _, s := range w.nodes {
		if err := s.end(syscall.SIGTERM); err != nil {
			return err
		}
		if err := w.again(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// killAll kills all processes, and starts them again when the last has ended.
func (w *world) killAll(ctx context.Context, down time.Duration) error {
	for _, s := range w.servers() {
		if err := s.signal(syscall.SIGKILL, true); err != nil {
			return err
		}
	}
	for _, s := range w.servers() {
		if err := s.end(syscall.SIGKILL); err != nil {
			return err
		}
	}
	hold(ctx, down)
	for _, s := range w.servers() {
		if err := s.start(); err != nil {
			return err
		}
	}
	for _, s := range w.servers() {
		if err := s.await(ctx); err != nil {
			return err
		}
	}
	return nil
}

// again starts a process that has ended.
func (w *world) again(ctx context.Context, s *server) error {
	if err := s.start(); err != nil {
		return err
	}
	return s.await(ctx)
}

// hold is how long a fault lasts.
func hold(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
