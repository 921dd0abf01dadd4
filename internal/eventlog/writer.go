package eventlog

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"syscall"
	"time"
)

const (
	// fileMode has others than the owner's group kept out: lines tell who does what.
	fileMode = 0o640
	// flushBytes is how much is gathered for one write while lines come faster than they can be written.
	flushBytes = 64 << 10
	// pipeWait and pipeWaitAgain are how long a pipe or a terminal may take nothing, for the first time and while it goes on: who waits for
	// the writing goroutine, such as the one that gets the signals, is not held up by a reader that has stopped.
	pipeWait, pipeWaitAgain = time.Second, 10 * time.Millisecond
)

// sink is where the lines of one or both logs go. It belongs to the writing goroutine.
type sink struct {
	handler slog.Handler
	file    *os.File // nil: the main log
	name    string

	gathered []byte
	lines    [numStreams]int64 // in gathered
	torn     bool              // the file ends in the midst of a line
	failing  bool              // the main log has been told so
}

// Write implements io.Writer for the handler: it gathers.
func (s *sink) Write(b []byte) (int, error) {
	s.gathered = append(s.gathered, b...)
	return len(b), nil
}

// flush writes what was gathered.
func (s *sink) flush(e *Log) {
	if s.file == nil || len(s.gathered) == 0 {
		return
	}
	b := s.gathered
	if s.torn {
		b = append([]byte{'\n'}, b...)
	}
	wait := pipeWait
	if s.failing {
		wait = pipeWaitAgain
	}
	_ = s.file.SetWriteDeadline(time.Now().Add(wait)) // a plain file has none
	n, err := s.file.Write(b)
	for to, lines := range s.lines {
		if err != nil {
			e.counts[to].dropped.Add(lines) // some may have been written; better too many than too few
		} else {
			e.counts[to].written.Add(lines)
		}
	}
	s.torn = err != nil && (n > 0 || s.torn)
	if err != nil && !s.failing {
		e.logger.Error("a log can't be written, and lines are dropped", "file", s.name, "error", err)
	}
	s.failing = err != nil
	s.gathered, s.lines = s.gathered[:0], [numStreams]int64{}
}

// swap has the writing goroutine go on with other sinks; done is closed when it does.
type swap struct {
	sinks [numStreams]*sink // nil: that log is off
	done  chan struct{}
}

// openSinks opens what the settings ask for. Where both logs go to one file there is one sink.
func openSinks(s Settings, logger *slog.Logger) (*swap, error) {
	sw := &swap{done: make(chan struct{})}
	for to, want := range [numStreams]struct {
		enabled bool
		file    string
	}{{s.Push.Enabled, s.Push.File}, {s.Access.Enabled, s.Access.File}} {
		if !want.enabled {
			continue
		}
		if first := sw.sinks[pushes]; first != nil && first.name == want.file {
			sw.sinks[to] = first
			continue
		}
		opened, err := openSink(want.file, logger)
		if err != nil {
			sw.close()
			return nil, fmt.Errorf("%s: %w", streamNames[to], err)
		}
		sw.sinks[to] = opened
	}
	return sw, nil
}

func openSink(name string, logger *slog.Logger) (*sink, error) {
	if name == "" {
		return &sink{handler: logger.Handler()}, nil
	}
	// Without O_NONBLOCK the open of a pipe would wait until somebody reads it; with it, it fails.
	file, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY|syscall.O_NONBLOCK, fileMode)
	if err != nil {
		return nil, err
	}
	s := &sink{file: file, name: name}
	s.handler = slog.NewJSONHandler(io.Writer(s), &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.LevelKey {
			return slog.Attr{} // always the same
		}
		return a
	}})
	return s, nil
}

// close closes the files.
func (sw *swap) close() {
	for _, s := range sw.sinks {
		if s != nil && s.file != nil {
			_ = s.file.Close() // the second time, for one that both logs have, does nothing
		}
	}
}

// writer is the writing goroutine.
type writer struct {
	log     *Log
	current *swap
	told    [numStreams]int64 // dropped lines that a line has told of
}

// run writes until the Log is closed.
func (w *writer) run() {
	e := w.log
	w.current = <-e.swaps
	close(w.current.done)
	for {
		select {
		case l := <-e.lines:
			w.write(l)
		case next := <-e.swaps:
			w.drain()
			w.current.close()
			w.current = next
			close(next.done)
		case <-e.quit:
			w.drain()
			w.current.close()
			return
		}
		if len(e.lines) == 0 {
			w.settle()
		}
	}
}

// drain writes what is queued.
func (w *writer) drain() {
	for {
		select {
		case l := <-w.log.lines:
			w.write(l)
		default:
			w.settle()
			return
		}
	}
}

func (w *writer) write(l line) {
	e := w.log
	e.queued.Add(-int64(l.size))
	s := w.current.sinks[l.to]
	if s == nil { // it was on when the line was made
		e.counts[l.to].dropped.Add(1)
		return
	}
	r := slog.NewRecord(l.at, slog.LevelInfo, l.title(), 0)
	r.AddAttrs(l.attrs()...)
	if err := s.handler.Handle(context.Background(), r); err != nil {
		e.counts[l.to].dropped.Add(1)
		return
	}
	if s.file == nil {
		e.counts[l.to].written.Add(1)
		return
	}
	if s.lines[l.to]++; len(s.gathered) >= flushBytes {
		s.flush(e)
	}
}

// settle says how many lines were dropped since it last did, and writes all that was gathered.
func (w *writer) settle() {
	e := w.log
	for to := range numStreams {
		s := w.current.sinks[to]
		if s == nil {
			continue
		}
		if dropped := e.counts[to].dropped.Load(); dropped > w.told[to] && !s.failing {
			r := slog.NewRecord(e.now(), slog.LevelWarn, "lines were dropped", 0)
			r.AddAttrs(slog.Int64("lines", dropped-w.told[to]), slog.String("log", streamNames[to]))
			_ = s.handler.Handle(context.Background(), r) // it will be told with the next one
			w.told[to] = dropped
		}
		s.flush(e)
	}
}
