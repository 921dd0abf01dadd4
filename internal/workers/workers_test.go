package workers

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience bounds what must come; a test that passes never waits for it.
const patience = 60 * time.Second

// asWorker in the environment names the file that says what the process is to do as a worker.
const asWorker = "WSEDGE_TEST_AS_WORKER"

func TestMain(m *testing.M) {
	if file := os.Getenv(asWorker); file != "" {
		os.Exit(work(file))
	}
	os.Exit(m.Run())
}

// work is a worker that does what the file says: die, hang, or something that it serves; sick is one that says that it is.
func work(file string) int {
	mode, err := os.ReadFile(file)
	if err != nil {
		return 3
	}
	w, err := Join(os.NewFile(FileOrders, "orders"), os.NewFile(FileReports, "reports"))
	if err != nil || string(mode) == "die" && w.Orders.Index == 1 {
		return 3
	}
	inside, err := net.Listen("unix", w.Orders.Inside)
	if err != nil {
		return 3
	}
	mux := http.NewServeMux()
	var mu sync.Mutex
	mux.HandleFunc(pathMetrics, func(to http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(to, "# HELP served_total Served.\n# TYPE served_total counter\nserved_total 1\n")
	})
	mux.HandleFunc(pathStats, func(to http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(to, `{"accepted_total":1,"connections":1}`)
	})
	mux.HandleFunc(pathHealth, func(to http.ResponseWriter, _ *http.Request) {
		if string(mode) == "sick" && w.Orders.Index == 1 {
			to.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	mux.HandleFunc("/", func(to http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(to, "worker %d %s %s", w.Orders.Index, r.Host, r.URL.Path)
	})
	sessions := w.Orders.SessionKeys
	mux.HandleFunc("/orders", func(to http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(to, "%s %s %d %x", w.Orders.Config, w.Orders.Basis, len(sessions), sessions[0])
	})
	go func() { _ = http.Serve(inside, mux) }()
	if string(mode) != "hang" {
		w.Ready()
	}
	for c := range w.Commands {
		switch c.Verb {
		case Rekey:
			mu.Lock()
			sessions = c.SessionKeys
			mu.Unlock()
		case Reload:
			w.Logger().With("file", "x").Error("refused", "problem", "it is wrong")
			w.Reloaded(string(c.Config) == "good")
		default:
			return 0
		}
	}
	return 0
}

// crew is a supervisor under test.
type crew struct {
	*Supervisor
	t       *testing.T
	mode    string // file
	sockets int
	ended   chan error
	reloads chan struct{}

	mu  sync.Mutex
	log bytes.Buffer
}

// Write implements io.Writer.
func (c *crew) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.log.Write(b)
}

func (c *crew) logged() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.log.String()
}

func (c *crew) set(mode string) {
	c.t.Helper()
	if err := os.WriteFile(c.mode, []byte(mode), 0o600); err != nil {
		c.t.Fatal(err)
	}
}

// launch runs n workers that do what mode says.
func launch(t *testing.T, n int, mode string) *crew {
	t.Helper()
	dir, err := os.MkdirTemp("", "ws") // a short name: the path of a Unix socket must be
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	c := &crew{t: t, mode: filepath.Join(dir, "mode"), ended: make(chan error, 1), reloads: make(chan struct{}, 8)}
	c.set(mode)
	c.Supervisor = New(Config{
		Workers: n, Program: os.Args[0], Env: append(os.Environ(), asWorker+"="+c.mode), Dir: dir, Patience: patience, DrainTime: patience,
		Orders:  Orders{Name: "crew"},
		Socket:  func() (*os.File, error) { c.sockets++; return os.Open(os.DevNull) },
		Started: func() {}, Reloaded: func() { c.reloads <- struct{}{} },
		Logger: slog.New(slog.NewTextHandler(c, nil)),
	})
	go func() { c.ended <- c.Run() }()
	t.Cleanup(func() {
		c.Cut()
		<-c.done
		if t.Failed() {
			t.Logf("log:\n%s", c.logged())
		}
	})
	return c
}

func (c *crew) eventually(what string, ok func() bool) {
	c.t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) { // polls, up to patience
		if time.Now().After(end) {
			c.t.Fatalf("never: %s; log:\n%s", what, c.logged())
		}
	}
}

func (c *crew) eventuallyReady(want string) {
	c.t.Helper()
	c.eventually(want, func() bool { _, what := c.Ready(); return strings.Contains(what, want) })
}

func (c *crew) killSlot(n int) {
	c.t.Helper()
	p := c.process(n)
	if p == nil {
		c.t.Fatalf("nobody in slot %d", n)
	}
	p.kill()
}

// A slot whose processes end again and again is tried slowly, and its socket is not kept: what connects would wait in it. What was counted stays.
func TestSlotThatFails(t *testing.T) {
	c := launch(t, 2, "serve")
	c.eventuallyReady("2 of 2 ready")
	// A worker that does not answer in time is summed as it was when it did last: before it is killed it must have.
	c.eventually("summed", func() bool {
		return strings.Contains(string(c.Exposition(nil)), "served_total 2\n") && c.Stats().Accepted == 2
	})
	c.set("die")
	c.killSlot(1)
	c.eventuallyReady("worker 1: ended 5 times in a row")
	ok, what := c.Ready()
	if !ok || !strings.Contains(what, "1 of 2 ready") {
		t.Errorf("%v %s", ok, what)
	}
	got := string(c.Exposition(nil))
	for _, want := range []string{"served_total 2\n", `wsedge_workers{state="failed"} 1`, `wsedge_workers{state="ready"} 1`, "wsedge_worker_restarts_total 5\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	if s := c.Stats(); s.Accepted != 2 || s.Connections != 1 || s.Node != "crew" {
		t.Errorf("%+v", s)
	}
	if n := strings.Count(c.logged(), "ends again and again"); n != 1 {
		t.Errorf("told %d times", n)
	}
	closed := make(chan bool)
	c.do(func() { closed <- c.slots[1].socket == nil && c.slots[0].socket != nil && c.sockets == 2 })
	if !<-closed {
		t.Error("the socket is kept")
	}
	c.Drain()
	if err := <-c.ended; err != nil {
		t.Error(err)
	}
	if ok, what := c.Ready(); ok || what != "draining\n" {
		t.Errorf("%v %s", ok, what)
	}
}

// limit has workers that are started from now on be ready within d.
func (c *crew) limit(d time.Duration) { c.do(func() { c.config.Patience = d }) }

// A rolling restart ends where a new worker does not get ready, and its predecessor stays.
func TestRollingRestartIsGivenUp(t *testing.T) {
	for _, mode := range []string{"die", "hang"} {
		t.Run(mode, func(t *testing.T) {
			c := launch(t, 2, "serve")
			c.eventuallyReady("2 of 2 ready")
			c.set(mode)
			if mode == "hang" {
				c.limit(time.Second)
			}
			stays := c.process(1)
			c.Roll(nil)
			c.eventually("given up", func() bool { return strings.Contains(c.logged(), "rolling restart given up") })
			if c.process(1) != stays || c.process(0) == nil {
				t.Error("who was there has gone")
			}
			c.set("serve")
			c.limit(patience)
			c.Roll(nil)
			c.eventually("ended", func() bool { return strings.Contains(c.logged(), "rolling restart ended") })
			if c.process(1) == stays {
				t.Error("who was there stays")
			}
		})
	}
}

// A worker that says again and again that it is stuck is ended, and another started.
func TestStuckWorkerIsEnded(t *testing.T) {
	c := launch(t, 2, "sick")
	c.eventuallyReady("2 of 2 ready")
	stuck, told := c.process(1), false
	// The supervisor looks by itself as well, and who does not answer in time is not counted as sick.
	c.eventually("another", func() bool {
		c.examine(c.processes())
		ok, what := c.Healthy()
		if !ok {
			t.Error(what)
		}
		told = told || strings.Contains(what, "worker 1: stuck")
		p := c.process(1)
		return told && p != nil && p != stuck
	})
	if !strings.Contains(c.logged(), "worker is stuck, it is ended") {
		t.Error("it has ended by itself")
	}
}

// A first start that fails is the end of it.
func TestFirstStartFails(t *testing.T) {
	c := launch(t, 3, "die")
	if err := <-c.ended; err == nil || !strings.Contains(err.Error(), "worker 1 ended before all were ready: exit status 3") {
		t.Error(err)
	}
}

func TestReloadIsToldOnce(t *testing.T) {
	c := launch(t, 3, "serve")
	c.eventuallyReady("3 of 3 ready")
	for n := 1; n <= 2; n++ {
		c.Reload(nil)
		<-c.reloads
		if got := strings.Count(c.logged(), `msg=refused file=x problem="it is wrong"`); got != n {
			t.Errorf("told %d times, want %d", got, n)
		}
	}
}

func TestRequestsArePassedOn(t *testing.T) {
	c := launch(t, 2, "serve")
	c.eventuallyReady("2 of 2 ready")
	server := &http.Server{Handler: c.ForOperators()}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(listener) }()
	defer server.Close()
	for path, want := range map[string]string{
		"/": "worker 0 " + listener.Addr().String() + " /", "/console/x": "worker 0 " + listener.Addr().String() + " /console/x",
		"/debug/worker/1/pprof/heap": "worker 1 " + listener.Addr().String() + " /debug/pprof/heap",
		"/debug/worker/2/pprof/heap": "there is no such worker at the moment\n", "/debug/worker/x/pprof/": "there is no such worker at the moment\n",
		"/healthz": "ok\n", "/readyz": "ok\nworkers: 2 of 2 ready\n",
	} {
		response, err := http.Get("http://" + listener.Addr().String() + path)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if string(text) != want {
			t.Errorf("%s: %q, want %q", path, text, want)
		}
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestWait(t *testing.T) {
	for failures, want := range map[int]time.Duration{0: firstWait, 1: firstWait, 2: 2 * firstWait, 4: 8 * firstWait, 5: slowRetry, 1000: slowRetry} {
		for range 100 {
			if d := wait(failures); d < want/2 || d >= want/2+want {
				t.Errorf("%d failures: %v", failures, d)
			}
		}
	}
}

// orders is what a worker has been told: configuration, basis, the number of session keys and the first of them.
func (c *crew) orders(n int) (told string) {
	c.t.Helper()
	c.eventually("orders", func() bool {
		p := c.process(n)
		if p == nil {
			return false
		}
		text, _, err := p.ask(c.t.Context(), "/orders") // has a limit of its own
		told = string(text)
		return err == nil
	})
	return told
}

// All workers seal TLS sessions with the same key, which is replaced in time; also those that are started later.
func TestSessionKeysAreShared(t *testing.T) {
	c := launch(t, 2, "serve")
	c.eventuallyReady("2 of 2 ready")
	first := c.orders(0)
	if !strings.HasPrefix(first, "  1 ") || c.orders(1) != first {
		t.Errorf("%q, %q", first, c.orders(1))
	}
	for range 2 * sessionKeyCount {
		c.do(c.rekey)
	}
	c.eventually("others", func() bool {
		return strings.HasPrefix(c.orders(0), "  7 ") && c.orders(0) != first && c.orders(1) == c.orders(0)
	})
	before := c.process(1)
	before.kill()
	c.eventually("another", func() bool { p := c.process(1); return p != nil && p != before })
	if c.orders(1) != c.orders(0) {
		t.Errorf("%q, %q", c.orders(1), c.orders(0))
	}
}

// A worker that is started again has the configuration that its siblings have taken, not one that they have refused, or with which a rolling restart
// was given up.
func TestWorkersStartByTheLastGoodConfiguration(t *testing.T) {
	c := launch(t, 2, "serve")
	c.eventuallyReady("2 of 2 ready")
	again := func(want string) {
		t.Helper()
		before := c.process(1)
		before.kill()
		c.eventually("another", func() bool { p := c.process(1); return p != nil && p != before })
		if got := c.orders(1); !strings.HasPrefix(got, want+" 1 ") {
			t.Errorf("orders %q, want %q", got, want)
		}
	}
	for _, step := range []struct{ config, want string }{{"bad", " "}, {"good", "good "}, {"bad", "good "}} {
		c.Reload([]byte(step.config))
		<-c.reloads
		again(step.want)
	}
	c.set("die")
	c.Roll([]byte("worse"))
	c.eventually("rolled", func() bool {
		return strings.Contains(c.logged(), "rolling restart ended") || strings.Contains(c.logged(), "given up")
	})
	c.set("serve")
	again("good ")
	c.Roll([]byte("new"))
	c.eventually("rolled", func() bool { return strings.Contains(c.logged(), "rolling restart ended") })
	if got := c.orders(1); !strings.HasPrefix(got, "new new 1 ") {
		t.Errorf("orders %q", got)
	}
}
