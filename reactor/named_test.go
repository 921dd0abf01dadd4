package reactor

import (
	"fmt"
	"runtime"
	"testing"
)

func names(s *Server) int {
	s.named.mu.Lock()
	defer s.named.mu.Unlock()
	return len(s.named.byName)
}

func TestATopicIsTheSameAsLongAsItHasASubscriber(t *testing.T) {
	s := serve(t, Config{
		TopicOptions: TopicOptions{Policy: DropOldest},
		Handler: Funcs{
			Open: func(c *Conn) {
				_ = c.Subscribe(c.Server().Topic("room"))
				_ = c.Send(Text, []byte("in"))
			},
			Message: func(c *Conn, op Opcode, payload []byte) {
				_, _ = c.Server().Topic("room").Broadcast(op, payload)
			},
		},
	})
	if p := s.Topic("other").policy(); p != DropOldest {
		t.Errorf("policy %v", p)
	}
	a, b := dial(t, s, "/"), dial(t, s, "/")
	a.wantText("in")
	b.wantText("in")
	for i := range 10 {
		runtime.GC() // must not take it from them
		a.text(fmt.Sprint(i))
		a.wantText(fmt.Sprint(i))
		b.wantText(fmt.Sprint(i))
	}
}

func TestTopicsThatNobodyHoldsAreForgotten(t *testing.T) {
	s := serve(t, Config{Handler: Funcs{}})
	kept := s.Topic("kept")
	for i := range 1000 {
		s.Topic(fmt.Sprint(i))
	}
	eventually(t, "one name left", func() bool { runtime.GC(); return names(s) == 1 })
	if s.Topic("kept") != kept {
		t.Error("another topic of that name")
	}
	runtime.KeepAlive(kept)
}
