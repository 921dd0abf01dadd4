//go:build !linux

package reactor

import (
	"sync"
	"time"
)

// writableTick is how often congested conns are tried where there is no epoll.
const writableTick = 20 * time.Millisecond

// writablePoller tells loops to try their congested conns again, every short while.
type writablePoller struct {
	srv   *Server
	stop  chan struct{}
	ended sync.WaitGroup
}

func newWritablePoller(s *Server) (*writablePoller, error) {
	w := &writablePoller{srv: s, stop: make(chan struct{})}
	w.ended.Go(w.run)
	return w, nil
}

func (w *writablePoller) run() {
	t := time.NewTicker(writableTick)
	defer t.Stop()
	for {
		select {
		case <-w.stop:
			return
		case <-t.C:
			for _, l := range w.srv.knownLoops() {
				if l.stats.congested.Load() > 0 {
					l.inbox.put(post{kind: postWritable, seq: allTokens})
				}
			}
		}
	}
}

func (w *writablePoller) watch(*Conn)   {}
func (w *writablePoller) rewatch(*Conn) {}
func (w *writablePoller) unwatch(*Conn) {}

func (w *writablePoller) close() {
	close(w.stop)
	w.ended.Wait()
}
