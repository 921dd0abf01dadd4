package webhook

import (
	"io"
	"net/http"
	"sync"
	"testing"
	"time"
)

// What is asked behind a change goes by the new settings, what was under way by the old ones.
func TestReconfigure(t *testing.T) {
	began, finish := make(chan bool), make(chan bool)
	old := startBackend(t, func(w http.ResponseWriter, r *http.Request) {
		began <- true
		<-finish
		_, _ = io.WriteString(w, `{"allow":false,"code":"old"}`)
	})
	fresh := startBackend(t, say(`{"allow":true,"user":"new"}`))
	c := startClient(t, Config{URL: old.URL, Events: Events{Connect}, Headers: []string{"A"}})
	verdicts := make(chan Verdict, 1)
	c.Ask(Connect, &Occasion{}, func(v Verdict) { verdicts <- v })
	<-began
	cfg := c.current.Load().config
	cfg.URL, cfg.Events, cfg.Headers, cfg.Secret = fresh.URL, Events{Publish, Disconnect}, []string{"B"}, []byte("another-0123456789")
	first := c.current.Load()
	c.Reconfigure(cfg)
	if c.Wants(Connect) || !c.Wants(Publish) || c.HeaderNames()[0] != "B" {
		t.Error("the events or headers are the old ones")
	}
	if v := ask(t, c, Publish, Occasion{}); v.User != "new" {
		t.Errorf("the old backend was asked: %+v", v)
	}
	close(finish)
	if v := <-verdicts; v.Code != "old" {
		t.Errorf("what was under way: %+v", v)
	}
	c.mu.Lock()
	if first.uses != 0 || !first.retired {
		t.Errorf("the old settings are still in use: %d", first.uses)
	}
	c.mu.Unlock()
	same := c.current.Load()
	if c.Reconfigure(cfg); c.current.Load() != same {
		t.Error("the same settings were made anew")
	}
}

// A circuit stays open for the same backend, and is closed for another.
func TestCircuitOfANewBackend(t *testing.T) {
	c := startClient(t, Config{URL: "http://127.0.0.1:1/"})
	for !c.Stats().CircuitOpen {
		ask(t, c, Publish, Occasion{})
	}
	cfg := c.current.Load().config
	cfg.Timeout = maxTimeout - time.Second
	c.Reconfigure(cfg)
	if !c.Stats().CircuitOpen {
		t.Error("a new timeout closed the circuit")
	}
	cfg.URL = startBackend(t, say(`{"allow":true}`)).URL
	c.Reconfigure(cfg)
	if v := ask(t, c, Publish, Occasion{}); !v.Allow || c.Stats().CircuitOpen {
		t.Errorf("the new backend is not asked: %+v", v)
	}
}

// What could not be told to one backend is told to the one that takes its place.
func TestTellingANewBackend(t *testing.T) {
	_, url := startRegister(t)
	c := startClient(t, Config{URL: "http://127.0.0.1:1/"})
	c.Tell(Ended{Client: "c"})
	eventually(t, c, "a retry", func(s Stats) bool { return s.Retries > 0 })
	cfg := c.current.Load().config
	cfg.URL = url
	c.Reconfigure(cfg)
	eventually(t, c, "told", func(s Stats) bool { return s.Told == 1 })
}

// Every question is answered exactly once, by one of the backends, whenever they change.
func TestReconfigureUnderLoad(t *testing.T) {
	a, b := startBackend(t, say(`{"allow":true,"user":"a"}`)), startBackend(t, say(`{"allow":true,"user":"b"}`))
	c := startClient(t, Config{URL: a.URL})
	const questions = 2000
	room := make(chan struct{}, 4*c.config.Concurrency) // so that the last of those who wait has time enough
	var answered sync.WaitGroup
	answered.Add(questions)
	cfg := c.current.Load().config
	for i := range questions {
		room <- struct{}{}
		c.Ask(Publish, &Occasion{}, func(v Verdict) {
			if !v.Allow {
				t.Errorf("%+v", v)
			}
			<-room
			answered.Done()
		})
		if i%50 == 0 {
			cfg.URL = []string{a.URL, b.URL}[i/50%2]
			c.Reconfigure(cfg)
		}
	}
	answered.Wait()
	if s := c.Stats(); s.Asked[Outcome{Publish, Allowed}] != questions || s.Asking != 0 {
		t.Errorf("%+v", s)
	}
}
