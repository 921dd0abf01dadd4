package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/coder/websocket"

	"github.com/wsedge/wsedge/internal/ticket"
	"github.com/wsedge/wsedge/internal/tlstest"
)

// said is what the server says to whom has a ticket.
type said struct {
	Type, Ticket, Epoch, Node, Client string
	Offset                            uint64
	Recovered                         *bool
	Channels                          []string
	Data                              json.RawMessage
}

// talk is a conversation on /ws.
type talk struct {
	conn *websocket.Conn
	ctx  context.Context
}

func (p *program) talk(query string) (*talk, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	p.t.Cleanup(cancel)
	conn, _, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(p.url, "http")+"ws"+query, nil)
	if err != nil {
		return nil, err
	}
	p.t.Cleanup(func() { _ = conn.CloseNow() })
	return &talk{conn, ctx}, nil
}

// hear returns the next message of a type. An error of the server is one.
func (k *talk) hear(kind string) (m said, err error) {
	for m.Type != kind {
		_, text, err := k.conn.Read(k.ctx)
		if err != nil {
			return m, err
		}
		m = said{}
		if err := json.Unmarshal(text, &m); err != nil || m.Type == "error" {
			return m, fmt.Errorf("%s, %w", text, err)
		}
	}
	return m, nil
}

func (k *talk) say(text string) error {
	return k.conn.Write(k.ctx, websocket.MessageText, []byte(text))
}

// ticketed subscribes to news, and goes away with a ticket that says so and its position.
func (p *program) ticketed() (ticket, epoch string, offset uint64) {
	p.t.Helper()
	k, err := p.talk("?ticket=1")
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = k.conn.CloseNow() }()
	_ = k.say(`{"type":"subscribe","channel":"news"}`)
	at, err := k.hear("subscribed")
	if err != nil {
		p.t.Fatal(err)
	}
	m, err := k.hear("ticket")
	if err != nil {
		p.t.Fatal(err)
	}
	return m.Ticket, at.Epoch, at.Offset
}

// back comes back with a ticket, and wants the data of what was missed. It returns which node that was.
func (p *program) back(ticket, epoch string, offset uint64, want string) (node string, err error) {
	k, err := p.talk("")
	if err != nil {
		return "", err
	}
	defer func() { _ = k.conn.CloseNow() }()
	if _, err = k.hear("welcome"); err != nil { // of anybody
		return "", err
	}
	if err = k.say(fmt.Sprintf(`{"type":"connect","id":1,"ticket":%q,"positions":{"news":{"epoch":%q,"offset":%d}}}`, ticket, epoch, offset)); err != nil {
		return "", err
	}
	m, err := k.hear("welcome")
	if err != nil || len(m.Channels) != 1 {
		return "", fmt.Errorf("channels %q, %w", m.Channels, err)
	}
	node = m.Node
	if m, err = k.hear("subscribed"); err != nil || m.Recovered == nil || !*m.Recovered {
		return "", fmt.Errorf("not recovered, %w", err)
	}
	for _, data := range strings.Fields(want) {
		if m, err = k.hear("message"); err != nil || string(m.Data) != data {
			return "", fmt.Errorf("got %s, want %s, %w", m.Data, data, err)
		}
	}
	return node, nil
}

// A ticket is good with all workers, also with one that was started again, and after a rolling restart, though no key is configured. No worker's
// command line or environment tells the key.
func TestTicketsAreGoodWithAllWorkers(t *testing.T) {
	p := startWorkers(t, 3)
	text, epoch, offset := p.ticketed()
	p.publishes(1, 3)
	everywhere := func(when string) {
		t.Helper()
		nodes := map[string]bool{}
		for len(nodes) < 3 {
			node, err := p.back(text, epoch, offset, "1 2 3")
			if err != nil {
				t.Fatalf("%s: %v", when, err)
			}
			nodes[node] = true
		}
	}
	everywhere("at first")
	for _, pid := range p.processes() {
		for _, name := range []string{"environ", "cmdline"} {
			if text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name)); err != nil || len(text) == 0 || strings.Contains(strings.ToLower(string(text)), "key") {
				t.Errorf("%s %q, %v", name, text, err)
			}
		}
	}
	if err := syscall.Kill(p.processes()[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	p.eventually("another", func() bool {
		return p.metric("wsedge_worker_restarts_total") == 1 && strings.Contains(p.admin("/readyz"), "3 of 3 ready")
	})
	everywhere("after a worker's death")
	p.signal(syscall.SIGUSR2)
	p.eventually("rolled", func() bool { return strings.Contains(p.logged(), "rolling restart ended") })
	everywhere("after a rolling restart")
}

// A worker that is killed while clients come back with tickets costs those that it has accepted another attempt, and nobody anything else.
func TestWorkerDiesInAStormOfTickets(t *testing.T) {
	p := startWorkers(t, 3)
	text, epoch, offset := p.ticketed()
	p.publishes(1, 2)
	var storm sync.WaitGroup
	for range 8 {
		storm.Go(func() {
			for came := 0; came < 25; {
				_, err := p.back(text, epoch, offset, "1 2")
				switch {
				case err == nil:
					came++
				case strings.Contains(err.Error(), `"type"`): // the server has said that something is wrong
					t.Error(err)
					return
				}
			}
		})
	}
	for n := 1; n <= 2; n++ {
		if err := syscall.Kill(p.processes()[0], syscall.SIGKILL); err != nil {
			t.Error(err)
		}
		p.eventually("another", func() bool {
			return p.metric("wsedge_worker_restarts_total") == float64(n) && strings.Contains(p.admin("/readyz"), "3 of 3 ready")
		})
	}
	storm.Wait()
}

// A TLS session that was begun with one worker is resumed with all, before and after a rolling restart, in both versions of TLS.
func TestWorkersResumeSessions(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "a.pem"), filepath.Join(dir, "a.key")
	authority := tlstest.NewAuthority()
	certPEM, keyPEM := tlstest.PEM(authority.Issue("localhost"))
	put(t, cert, certPEM)
	put(t, key, keyPEM)
	for _, compact := range []string{"--tls-compact=false", "--tls-compact"} {
		p := launch(t, "serve", "--workers", "3", "--drain-spread", "-1s", "--tls-cert", cert, "--tls-key", key, compact)
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			config := &tls.Config{RootCAs: authority.Pool(), ServerName: "localhost", MaxVersion: version, ClientSessionCache: tls.NewLRUClientSessionCache(4)}
			resumed := func() bool {
				conn, err := tls.Dial("tcp", strings.TrimSuffix(strings.TrimPrefix(p.url, "https://"), "/"), config)
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				_, _ = io.WriteString(conn, "GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
				if _, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil { // with which the ticket comes, too
					t.Fatal(err)
				}
				return conn.ConnectionState().DidResume
			}
			if resumed() {
				t.Error("there was nothing to resume")
			}
			for n := range 24 { // all of one worker: one time in 3²³
				if n == 12 && version == tls.VersionTLS13 {
					p.signal(syscall.SIGUSR2)
					p.eventually("rolled", func() bool { return strings.Contains(p.logged(), "rolling restart ended") })
				}
				if !resumed() {
					t.Errorf("%s, %s: connection %d was not resumed", compact, tls.VersionName(version), n)
				}
			}
		}
	}
}

// Without a configuration file SIGHUP has the files read again that flags name: a key of tickets can be replaced, with workers and without.
func TestFilesOfFlagsAreReloadedOnSIGHUP(t *testing.T) {
	const good = "SIGHUP: files that flags name reloaded"
	keys := filepath.Join(t.TempDir(), "tickets")
	for _, workers := range []string{"--workers=0", "--workers=2"} {
		put(t, keys, []byte(ticket.NewKey().String()))
		p := launch(t, "serve", workers, "--drain-spread", "-1s", "--history-size", "10", "--recover", "--ticket-keys", keys)
		old, epoch, offset := p.ticketed()
		if _, err := p.back(old, epoch, offset, ""); err != nil {
			t.Error(err)
		}
		put(t, keys, []byte("no key"))
		p.hangUp("SIGHUP: configuration not reloaded, the old one stays", 1)
		if _, err := p.back(old, epoch, offset, ""); err != nil {
			t.Error(err)
		}
		put(t, keys, []byte(ticket.NewKey().String()))
		p.hangUp(good, 1)
		p.eventually("the old ticket is refused, whoever is asked", func() bool {
			for range 12 {
				if _, err := p.back(old, epoch, offset, ""); err == nil {
					return false
				}
			}
			return true
		})
		fresh, epoch, offset := p.ticketed()
		for range 6 {
			if _, err := p.back(fresh, epoch, offset, ""); err != nil {
				t.Error(err)
			}
		}
	}
}
