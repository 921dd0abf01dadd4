package console

import (
	"testing"
	"time"

	"github.com/wsedge/wsedge/internal/auth"
)

func TestSessionsAreBounded(t *testing.T) {
	var s sessions
	now := time.Unix(1_000_000, 0)
	first, _ := s.begin(&auth.Backend{Name: "first"}, now)
	id := visitID(first)
	for i := range maxSessions - 1 {
		if _, ended := s.begin(&auth.Backend{}, now.Add(time.Duration(i+1)*time.Second)); ended != "" {
			t.Fatalf("%s has ended with %d", ended, i)
		}
	}
	if v, ok := s.find(first, now); !ok || v.Backend.Name != "first" || v.ID != id || !s.open(id) {
		t.Errorf("%+v, %v", v, ok)
	}
	if _, ended := s.begin(&auth.Backend{}, now); ended != id || s.open(id) || len(s.of) != maxSessions {
		t.Errorf("%q has ended, of %d", ended, len(s.of))
	}
	if _, ok := s.find(first, now); ok {
		t.Error("the oldest is still good")
	}
}

func TestSessionsEnd(t *testing.T) {
	var s sessions
	now := time.Unix(1_000_000, 0)
	a, _ := s.begin(&auth.Backend{Name: "a"}, now)
	b, _ := s.begin(&auth.Backend{Name: "b"}, now)
	if a == b || len(a) != 43 {
		t.Errorf("%q, %q", a, b)
	}
	if _, ok := s.find(visitID(a), now); ok {
		t.Error("the ID, which others may see, is good as a cookie")
	}
	if _, ok := s.find(a, now.Add(sessionLife)); ok || s.open(visitID(a)) {
		t.Error("good after its time")
	}
	c, _ := s.begin(&auth.Backend{Name: "c"}, now)
	ended := s.replaceKeys(func(before *auth.Backend) *auth.Backend {
		if before.Name == "b" {
			return nil
		}
		return &auth.Backend{Name: before.Name + " as it is now"}
	})
	if len(ended) != 1 || ended[0] != visitID(b) {
		t.Errorf("%v", ended)
	}
	if v, ok := s.find(c, now); !ok || v.Backend.Name != "c as it is now" || s.end(c) != visitID(c) {
		t.Errorf("%+v, %v", v, ok)
	}
	if s.end(b) != "" || s.end("") != "" || len(s.of) != 0 {
		t.Error("ended twice")
	}
}
