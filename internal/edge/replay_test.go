package edge

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wsedge/wsedge/frame"
)

// kept is how many replays the server has, and their bytes.
func (r *replays) size() (n, bytes int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.kept), r.bytes
}

// stay has replays stay until they are dropped, however slow the machine is.
func (r *replays) stay(t *testing.T) {
	r.mu.Lock()
	defer r.mu.Unlock()
	never := time.AfterFunc(time.Hour, func() {})
	t.Cleanup(func() { never.Stop() })
	r.expiry = never
}

// Clients that come back to the same get the same; a publication between them, or another position, is another replay.
func TestReplaysAreMadeOnce(t *testing.T) {
	s := startServer(t, Config{Namespaces: keeping(100, nil)})
	s.replays.stay(t)
	epoch := publishAll(t, s, "1", "2", "3", "4")
	back := func(from, last int) {
		t.Helper()
		c := greet(t, s)
		c.say(recoverFrom(epoch, uint64(from)))
		c.want(`*"recovered":true}`)
		for offset := from + 1; offset <= last; offset++ {
			c.want(fmt.Sprintf(`*"data":%d,"offset":%d}`, offset, offset))
		}
		c.say(`{"type":"ping","id":1}`)
		c.want(`*"pong"*`)
	}
	for i, c := range []struct{ from, last, kept int }{{1, 4, 1}, {1, 4, 1}, {2, 4, 2}, {1, 4, 2}, {4, 4, 2}} {
		back(c.from, c.last)
		if n, _ := s.replays.size(); n != c.kept {
			t.Errorf("%d: %d kept, want %d", i, n, c.kept)
		}
	}
	publishAll(t, s, "5")
	back(1, 5)
	s.replays.drop()
	if n, bytes := s.replays.size(); n != 0 || bytes != 0 {
		t.Errorf("%d kept, of %d bytes", n, bytes)
	}
	back(1, 5)
}

func TestReplaysAreBounded(t *testing.T) {
	s := startServer(t, Config{})
	keep := func(i, bytes int) {
		b := s.reactor.NewBatch(bytes, 1)
		_ = b.Add(frame.OpText, []byte(strings.Repeat("x", bytes)))
		s.replays.keep(replaySpan{channel: "news", first: uint64(i)}, b)
		b.Release()
	}
	for i := range 3 * maxReplays {
		keep(i, 10)
	}
	if n, _ := s.replays.size(); n > maxReplays {
		t.Errorf("%d kept", n)
	}
	for i := range 20 {
		keep(1000+i, maxReplayBytes/10)
		if n, bytes := s.replays.size(); bytes > maxReplayBytes || n > maxReplays {
			t.Errorf("%d kept, of %d bytes", n, bytes)
		}
	}
	keep(2000, maxReplayBytes+1)
	if _, bytes := s.replays.size(); bytes > maxReplayBytes {
		t.Errorf("%d bytes", bytes)
	}
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 100 {
				keep(j, 100+i)
				if b := s.replays.find(replaySpan{channel: "news", first: uint64(j)}); b != nil {
					b.Release()
				}
				if j%10 == 0 {
					s.replays.drop()
				}
			}
		})
	}
	all.Wait()
	s.replays.close()
	keep(1, 10)
	if n, _ := s.replays.size(); n != 0 {
		t.Errorf("%d kept behind the end", n)
	}
}
