package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"time"
)

// pushLog is a file with a line for each push. No loop waits for a disk: what a bounded queue cannot take is counted. A nil *pushLog takes nothing.
type pushLog struct {
	lines  chan []byte
	done   chan error
	missed atomic.Int64
}

// openPushLog opens the log at name for appending; nil if name is "". 4,096 lines are some seconds of a busy server.
func openPushLog(name string) (*pushLog, error) {
	if name == "" {
		return nil, nil
	}
	file, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY|syscall.O_NONBLOCK, 0o600) // a pipe would wait for its reader
	if err != nil {
		return nil, err
	}
	if about, err := file.Stat(); err != nil || about.Mode()&os.ModeNamedPipe != 0 { // and the end of the program, too
		return nil, errors.Join(err, fmt.Errorf("%s: is no file", name), file.Close())
	}
	l := &pushLog{lines: make(chan []byte, 4096), done: make(chan error)}
	go func() {
		for line := range l.lines {
			if _, err := file.Write(line); err != nil { // a disk that is full costs lines, and the chat goes on
				l.missed.Add(1)
			}
		}
		l.done <- file.Close()
	}()
	return l, nil
}

// note queues a line about a push to an audience. Safe from any goroutine.
func (l *pushLog) note(a audience, message []byte, receivers int, err error) {
	if l == nil {
		return
	}
	line := encode(map[string]any{"time": time.Now(), "path": a.path.name, "room": a.room, "receivers": receivers,
		"message": json.RawMessage(message), "refused": err != nil}) // refused: too much was on its way, and nobody got it
	select {
	case l.lines <- append(line, '\n'):
	default:
		l.missed.Add(1)
	}
}

// close writes what waits. Nothing must be noted any more. The error tells of missing lines, too.
func (l *pushLog) close() error {
	if l == nil {
		return nil
	}
	close(l.lines)
	err := <-l.done
	if missed := l.missed.Load(); missed > 0 {
		err = errors.Join(err, fmt.Errorf("the push log lacks %d lines", missed))
	}
	return err
}
