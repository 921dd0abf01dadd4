package webhook

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestNilClient(t *testing.T) {
	var c *Client
	c.Tell(Ended{})
	c.Close(t.Context())
	if c.Wants(Connect) || c.Stats().Asking != 0 {
		t.Fatal("it has something")
	}
}

func TestWhatIsAsked(t *testing.T) {
	bodies := make(chan map[string]any, 1)
	backend := startBackend(t, func(w http.ResponseWriter, r *http.Request) {
		bodies <- read(t, r)
		_, _ = io.WriteString(w, `{"allow":false,"code":"no_way","message":"<sorry>"}`)
	})
	c := startClient(t, Config{URL: backend.URL})
	o := Occasion{
		Client: "c-1", User: "ann\n", Dialect: "raw", Address: "1.2.3.4", Token: "t", Headers: map[string][]string{"Cookie": {"a", "b"}},
		Channel: "news", Data: []byte(`{"x": 1}`),
	}
	for event, want := range map[Event]string{
		Connect:   "map[address:1.2.3.4 client:c-1 dialect:raw event:connect headers:map[Cookie:[a b]] node:node token:t user:ann\n]",
		Subscribe: "map[channel:news client:c-1 dialect:raw event:subscribe node:node user:ann\n]",
		Publish:   "map[channel:news client:c-1 data:map[x:1] dialect:raw event:publish node:node user:ann\n]",
	} {
		v := ask(t, c, event, o)
		if v.Allow || v.Failed || v.Code != "no_way" || v.Message != "<sorry>" {
			t.Errorf("%s: %+v", event, v)
		}
		if got := fmt.Sprint(<-bodies); got != want {
			t.Errorf("asked %s\nwant  %s", got, want)
		}
	}
	s := c.Stats()
	if s.Asked[Outcome{Publish, Refused}] != 1 || s.Asking != 0 || s.Latency == [len(Bounds) + 1]int64{} {
		t.Errorf("%+v", s)
	}
}

// requests are counted while the client is at them: a backend notices late that one was given up.
type requests struct {
	*http.Transport
	now, most atomic.Int64
}

// RoundTrip implements http.RoundTripper.
func (r *requests) RoundTrip(q *http.Request) (*http.Response, error) {
	n := r.now.Add(1)
	defer r.now.Add(-1)
	for m := r.most.Load(); n > m && !r.most.CompareAndSwap(m, n); m = r.most.Load() {
	}
	return r.Transport.RoundTrip(q)
}

// TestBackendThatIsSilent has 10,000 questions to a backend that takes them and says nothing: all are answered, at most as many as
// may be are with it, and the circuit opens.
func TestBackendThatIsSilent(t *testing.T) {
	backend := startBackend(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	})
	c := startClient(t, Config{URL: backend.URL, Timeout: 50 * time.Millisecond, Concurrency: 4, QueueMax: 16})
	asking := &c.current.Load().sender.client.Transport
	counted := &requests{Transport: (*asking).(*http.Transport)}
	*asking = counted
	const questions = 10_000
	var answered sync.WaitGroup
	answered.Add(questions)
	for range questions {
		c.Ask(Publish, &Occasion{Data: []byte("1")}, func(v Verdict) {
			if v.Allow || !v.Failed {
				t.Errorf("%+v", v)
			}
			answered.Done()
		})
	}
	answered.Wait()
	s := c.Stats()
	if s.Asked[Outcome{Publish, Failed}] != questions || s.Failures[failTimeout] == 0 || s.Failures[failFull] == 0 || !s.CircuitOpen || s.Asking != 0 {
		t.Errorf("%+v", s)
	}
	if n := counted.most.Load(); n == 0 || n > 4 {
		t.Errorf("%d at once", n)
	}
}

func TestQueueIsBoundedInBytes(t *testing.T) {
	release := make(chan struct{})
	backend := startBackend(t, func(w http.ResponseWriter, r *http.Request) {
		<-release
		say(`{"allow":true}`)(w, r)
	})
	c := startClient(t, Config{URL: backend.URL, QueueMaxBytes: 10_000})
	done := make(chan Verdict, 3)
	for range 3 {
		c.Ask(Publish, &Occasion{Data: []byte(`"` + strings.Repeat("x", 4000) + `"`)}, func(v Verdict) { done <- v })
	}
	if v := await(t, done); !v.Failed || c.Stats().Failures[failFull] != 1 {
		t.Errorf("%+v, %+v", v, c.Stats())
	}
	close(release)
	for range 2 {
		if v := await(t, done); !v.Allow {
			t.Errorf("%+v", v)
		}
	}
}

// TestBackendThatComesBack lets the circuit open and close again.
func TestBackendThatComesBack(t *testing.T) {
	var well atomic.Bool
	var asked atomic.Int64
	backend := startBackend(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if !well.Load() {
			w.WriteHeader(503)
			return
		}
		say(`{"allow":true}`)(w, r)
	})
	c := startClient(t, Config{URL: backend.URL})
	for range 50 {
		ask(t, c, Connect, Occasion{})
	}
	if n := asked.Load(); n != breakAfter || !c.Stats().CircuitOpen || c.Stats().Failures[failCircuit] != 50-breakAfter {
		t.Fatalf("%d requests, %+v", n, c.Stats())
	}
	well.Store(true)
	for end := time.Now().Add(patience); !ask(t, c, Connect, Occasion{}).Allow; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the circuit stays open")
		}
	}
	if c.Stats().CircuitOpen {
		t.Error("the circuit is open")
	}
}

// TestRejectionsLeaveTheCircuitClosed has a client send what the backend can't make sense of.
func TestRejectionsLeaveTheCircuitClosed(t *testing.T) {
	backend := startBackend(t, func(w http.ResponseWriter, r *http.Request) {
		if read(t, r)["data"] == "poison" {
			w.WriteHeader(400)
			return
		}
		_, _ = io.WriteString(w, `{"allow":true}`)
	})
	c := startClient(t, Config{URL: backend.URL})
	for range 3 * breakAfter {
		if v := ask(t, c, Publish, Occasion{Data: []byte(`"poison"`)}); v.Allow {
			t.Fatalf("%+v", v)
		}
	}
	if v := ask(t, c, Publish, Occasion{Data: []byte(`"good"`)}); !v.Allow || c.Stats().CircuitOpen {
		t.Fatalf("%+v, %+v", v, c.Stats())
	}
}

// TestConnectionsAtRestMayEnd has a backend that hangs up behind every answer without saying so.
func TestConnectionsAtRestMayEnd(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			if r, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
				_, _ = io.Copy(io.Discard, r.Body)
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n"+`{"allow":true}`)
			}
			conn.Close()
		}
	})
	t.Cleanup(func() { l.Close(); serving.Wait() })
	c := startClient(t, Config{URL: "http://" + l.Addr().String()})
	for range 300 {
		if v := ask(t, c, Connect, Occasion{}); !v.Allow {
			t.Fatalf("%+v, %+v", v, c.Stats())
		}
	}
}

// TestBreaker goes through its pauses.
func TestBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b breaker
		for i := range breakAfter {
			if ok, trial := b.admit(time.Now()); !ok || trial {
				t.Fatal("closed, and it does not admit")
			}
			if opened := b.failure(time.Now(), false); opened != (i == breakAfter-1) {
				t.Fatalf("after failure %d: opened %v", i, opened)
			}
		}
		for pause := reopenFirst; pause <= reopenMost; pause *= 2 {
			if ok, _ := b.admit(time.Now()); ok {
				t.Fatal("open, and it admits")
			}
			b.failure(time.Now(), false) // a late one
			if b.pause != pause {
				t.Fatalf("pause %v, want %v", b.pause, pause)
			}
			time.Sleep(pause)
			if ok, trial := b.admit(time.Now()); !ok || !trial {
				t.Fatal("no trial behind the pause")
			}
			if ok, _ := b.admit(time.Now()); ok {
				t.Fatal("two trials")
			}
			if b.failure(time.Now(), true) {
				t.Fatal("opened twice")
			}
		}
		time.Sleep(reopenMost)
		b.admit(time.Now())
		b.withdrawn()
		if ok, trial := b.admit(time.Now()); !ok || !trial {
			t.Fatal("no other trial after one was withdrawn")
		}
		if !b.success() || b.open() || b.success() {
			t.Fatal("a success does not close it")
		}
	})
}

// TestAbandon has a question's client go at every stage.
func TestAbandon(t *testing.T) {
	release := make(chan string)
	began := make(chan struct{}, 10)
	backend := startBackend(t, func(w http.ResponseWriter, r *http.Request) {
		began <- struct{}{}
		say(<-release)(w, r)
	})
	c := startClient(t, Config{URL: backend.URL, Concurrency: 1})
	verdicts, thens := make(chan Verdict, 10), make(chan int, 10)
	question := func() *Question { return c.Ask(Connect, &Occasion{}, func(v Verdict) { verdicts <- v }) }
	abandon := func(q *Question, n int) { q.Abandon(func() { thens <- n }) }

	underWay, waiting, last := question(), question(), question()
	await(t, began)
	abandon(underWay, 1)
	abandon(waiting, 2)
	abandon(waiting, 3)
	release <- `{"allow":true}`
	if n := await(t, thens); n != 1 {
		t.Fatalf("then %d", n)
	}
	await(t, began)
	release <- `{"allow":false}`
	for range 3 {
		await(t, verdicts)
	}
	abandon(last, 4) // refused

	allowed := question()
	await(t, began)
	release <- `{"allow":true}`
	await(t, verdicts)
	abandon(allowed, 5)
	if n := await(t, thens); n != 5 || len(thens) > 0 {
		t.Fatalf("then %d, and %d more", n, len(thens))
	}
	if s := c.Stats(); s.Asked[Outcome{Connect, Abandoned}] != 1 || s.Asked[Outcome{Connect, Allowed}] != 2 || s.Asked[Outcome{Connect, Refused}] != 1 || s.Asking != 0 {
		t.Errorf("%+v", s)
	}
}

// TestCloseWhileAsking wants every question answered, and nothing left.
func TestCloseWhileAsking(t *testing.T) {
	backend := startBackend(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	})
	c := startClient(t, Config{URL: backend.URL, Concurrency: 2})
	var answered sync.WaitGroup
	ask := func() {
		answered.Add(1)
		c.Ask(Subscribe, &Occasion{}, func(v Verdict) {
			if v.Allow {
				t.Errorf("%+v", v)
			}
			answered.Done()
		})
	}
	for range 20 {
		ask()
	}
	var closing sync.WaitGroup
	for range 2 {
		closing.Go(func() { c.Close(context.Background()) })
	}
	closing.Wait()
	ask()
	answered.Wait()
	if s := c.Stats(); s.Failures[failClosed] != 21 || s.Asking != 0 || s.CircuitOpen {
		t.Errorf("%+v", s)
	}
}
