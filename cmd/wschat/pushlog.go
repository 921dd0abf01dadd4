package main

import (
	"encoding/json"
	"log/slog"
	"os"
	"sync/atomic"
	"time"
)

// pushLog is a file with a line for each message that was pushed to an audience. Loops must not wait for a disk: lines go through a bounded
// queue to a goroutine, and what it cannot take is counted. A nil *pushLog takes nothing.
type pushLog struct {
	file       *os.File
	lines      chan []byte
	quit, done chan struct{}
	missed     atomic.Int64
	logger     *slog.Logger
}

// openPushLog opens the log at name for appending; nil if name is "". 4,096 lines are some seconds of a busy server.
func openPushLog(name string, logger *slog.Logger) (*pushLog, error) {
	if name == "" {
		return nil, nil
	}
	file, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	l := &pushLog{file: file, lines: make(chan []byte, 4096), quit: make(chan struct{}), done: make(chan struct{}), logger: logger}
	go l.write()
	return l, nil
}

// note queues a line about a push to an audience. Safe from any goroutine.
func (l *pushLog) note(a *audience, message []byte, receivers int, err error) {
	if l == nil {
		return
	}
	line := encode(struct {
		Time      time.Time       `json:"time"`
		Path      string          `json:"path"`
		Room      string          `json:"room,omitempty"`
		Receivers int             `json:"receivers"`
		Refused   bool            `json:"refused,omitempty"` // too much was on its way: nobody got it
		Message   json.RawMessage `json:"message"`
	}{time.Now(), a.path.name, a.room, receivers, err != nil, message})
	select {
	case l.lines <- append(line, '\n'):
	default:
		l.missed.Add(1)
	}
}

// write writes what comes until quit, and what waits then.
func (l *pushLog) write() {
	defer close(l.done)
	for quit := l.quit; quit != nil || len(l.lines) > 0; {
		select {
		case line := <-l.lines:
			if _, err := l.file.Write(line); err != nil && l.missed.Add(1) == 1 {
				l.logger.Error("push log", "error", err) // once; the chat goes on
			}
		case <-quit:
			quit = nil // from now on only lines come
		}
	}
}

// close writes what waits. Nothing is to be noted any more.
func (l *pushLog) close() error {
	if l == nil {
		return nil
	}
	close(l.quit)
	<-l.done
	if missed := l.missed.Load(); missed > 0 {
		l.logger.Warn("push log", "missed", missed)
	}
	return l.file.Close()
}
