package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"
)

// startWorkers starts a server of workers.
func startWorkers(t *testing.T, n int, args ...string) *program {
	t.Helper()
	return launch(t, append([]string{"serve", "--workers", strconv.Itoa(n), "--admin-addr", "127.0.0.1:0", "--drain-spread", "-1s",
		"--history-size", "1000", "--recover"}, args...)...)
}

// processes are the workers', which are the program's children.
func (p *program) processes() (pids []int) {
	p.t.Helper()
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", p.cmd.Process.Pid))
	if err != nil {
		p.t.Fatal(err)
	}
	var text []byte
	for _, task := range tasks { // each thread has the children that it has started
		more, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", p.cmd.Process.Pid, task.Name()))
		text = append(text, more...)
	}
	for field := range strings.FieldsSeq(string(text)) {
		pid, err := strconv.Atoi(field)
		if err != nil {
			p.t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	return pids
}

var adminAt = regexp.MustCompile(`msg=listening .* admin=(\S+)`)

// admin gets a path of the admin address.
func (p *program) admin(path string) string {
	p.t.Helper()
	m := adminAt.FindStringSubmatch(p.logged())
	if m == nil {
		p.t.Fatalf("no admin address in\n%s", p.logged())
	}
	response, err := http.Get("http://" + m[1] + path)
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return string(text)
}

// metric is the sum of a metric's series.
func (p *program) metric(name string) (sum float64) {
	p.t.Helper()
	for line := range strings.Lines(p.admin("/metrics")) {
		series, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if series == name || strings.HasPrefix(series, name+"{") {
			n, err := strconv.ParseFloat(value, 64)
			if err != nil {
				p.t.Fatal(err)
			}
			sum += n
		}
	}
	return sum
}

// follower is a client of a channel that notes what it gets.
type follower struct {
	conn *websocket.Conn

	mu     sync.Mutex
	got    []string // the data
	epoch  string
	offset uint64
	ended  error
}

// told is what a follower looks at in what the server says.
type told struct {
	Type, Epoch string
	Offset      uint64
	Recovered   *bool
	Data        json.RawMessage
}

// follow subscribes to the channel news, from where another has got to; nil: from now on.
func (p *program) follow(since *follower) (*follower, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(p.url, "http")+"ws", nil)
	if err != nil {
		return nil, err
	}
	p.t.Cleanup(func() { _ = conn.CloseNow() })
	f := &follower{conn: conn}
	subscribe := `{"type":"subscribe","channel":"news"}`
	if since != nil {
		subscribe = fmt.Sprintf(`{"type":"subscribe","channel":"news","recover":{"epoch":%q,"offset":%d}}`, since.epoch, since.offset)
	}
	if err := conn.Write(ctx, websocket.MessageText, []byte(subscribe)); err != nil {
		return nil, err
	}
	for f.epoch == "" {
		_, text, err := conn.Read(ctx)
		if err != nil {
			return nil, err
		}
		var m told
		if err := json.Unmarshal(text, &m); err != nil || m.Type == "error" {
			return nil, fmt.Errorf("%s: %w", text, err)
		}
		if m.Type == "subscribed" {
			f.epoch, f.offset = m.Epoch, m.Offset
			if since != nil && (m.Recovered == nil || !*m.Recovered) {
				return nil, fmt.Errorf("not recovered: %s", text)
			}
		}
	}
	go f.read()
	return f, nil
}

func (f *follower) read() {
	for {
		_, text, err := f.conn.Read(context.Background())
		var m told
		if err == nil {
			err = json.Unmarshal(text, &m)
		}
		if m.Type == "gap" {
			err = errors.New("a gap")
		}
		f.mu.Lock()
		if m.Type == "message" {
			f.got, f.offset = append(f.got, string(m.Data)), m.Offset
		}
		f.ended = err
		f.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// state is what it has got so far, and why it has ended.
func (f *follower) state() (got []string, ended error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.got, f.ended
}

// publishes publishes first to last, and wants each acknowledged.
func (p *program) publishes(first, last int) {
	p.t.Helper()
	for i := first; i <= last; i++ {
		if answer := p.post("api/publish", fmt.Sprintf(`{"channel":"news","data":%d}`, i)); !strings.Contains(answer, `"offset":`) {
			p.t.Fatalf("%d: %s", i, answer)
		}
	}
}

// numbers is what a follower of first to last gets.
func numbers(first, last int) string {
	var all []string
	for i := first; i <= last; i++ {
		all = append(all, strconv.Itoa(i))
	}
	return strings.Join(all, " ")
}

func (p *program) wantGot(f *follower, want string) {
	p.t.Helper()
	p.eventually(want, func() bool { got, _ := f.state(); return len(got) >= len(strings.Fields(want)) })
	if got, _ := f.state(); strings.Join(got, " ") != want {
		p.t.Errorf("got %v, want %s", got, want)
	}
}
