package cluster_test

import (
	"bytes"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/wsedge/wsedge/internal/cluster"
)

// said is a wire that notes what is said to all.
type said struct {
	mu   sync.Mutex
	list [][]byte
}

func (s *said) Say(subject string, data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if subject == "all" {
		s.list = append(s.list, data)
	}
}

func (s *said) Hear(string, func([]byte)) error { return nil }

func (s *said) Unhear(string) {}

// The others forget a node that says that it ends. What it said behind that would have them take it for a new one.
func TestNothingIsSaidBehindTheEnd(t *testing.T) {
	for n := range 100 {
		wire := &said{}
		c, err := cluster.Join(cluster.Config{Wire: wire, Self: cluster.Node{ID: fmt.Sprint(n)}, Beat: 20 * time.Microsecond, Logger: quiet})
		if err != nil {
			t.Fatal(err)
		}
		var telling sync.WaitGroup
		for range 4 {
			telling.Go(func() {
				for c.Tell("topic", nil) == nil {
				}
			})
		}
		c.Close()
		telling.Wait()
		wire.mu.Lock()
		last := wire.list[len(wire.list)-1]
		wire.mu.Unlock()
		if !bytes.Contains(last, []byte(`"kind":"bye"`)) {
			t.Fatalf("the last word, in run %d: %s", n, last)
		}
	}
}
