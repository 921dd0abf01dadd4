package loadtest

import (
	"bytes"
	"fmt"
	"io"
	"sync"
)

// maxBacklog bounds what waits for a worker that does not read. A specification is a few KiB, a command less.
const maxBacklog = 4 << 20

// backlog is a pipe that never blocks its writer, so that a worker that does not read holds up neither the others nor the
// answers to pings. Safe from any goroutine.
type backlog struct {
	mu      sync.Mutex
	changed sync.Cond

	// Guarded by mu.
	waiting bytes.Buffer
	closed  bool
}

func newBacklog() *backlog {
	b := &backlog{}
	b.changed.L = &b.mu
	return b
}

// put adds a copy of p. What is put after a close is dropped: nobody would read it.
func (b *backlog) put(p []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil
	}
	if b.waiting.Len()+len(p) > maxBacklog {
		return fmt.Errorf("a worker has left more than %d bytes unread", maxBacklog)
	}
	b.waiting.Write(p)
	b.changed.Signal()
	return nil
}

// Read waits until there is something, or a close and nothing left.
func (b *backlog) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.waiting.Len() == 0 && !b.closed {
		b.changed.Wait()
	}
	if b.waiting.Len() == 0 {
		return 0, io.EOF
	}
	return b.waiting.Read(p)
}

// close lets reads end behind what waits.
func (b *backlog) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	b.changed.Broadcast()
}
