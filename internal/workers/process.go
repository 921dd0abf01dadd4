package workers

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/wsedge/wsedge/internal/console"
)

// state is how far a process is.
type state int

const (
	starting state = iota
	ready
	retiring
	ended
)

// process is one worker process.
type process struct {
	// Immutable after start.
	slot     *slot
	number   int // of all that were started
	cmd      *exec.Cmd
	inside   string
	client   *http.Client // asks it
	commands chan Command

	// Changed by Run alone, under Supervisor.mu.
	state      state
	readySince time.Time

	// Guarded by Supervisor.mu.
	text  []byte         // its last exposition
	stats *console.Stats // its last figures; nil: none yet
	sick  int            // looks in a row at which it said that it is
}

// askTimeout bounds a question to a process.
const askTimeout = 2 * time.Second

// start starts a process for a slot. What it does is told to s.events.
func (s *Supervisor) start(of *slot) (*process, error) {
	s.numbers++
	inside := filepath.Join(s.config.Dir, fmt.Sprintf("worker-%d-%d.sock", of.index, s.numbers))
	theirOrders, orders, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer theirOrders.Close()
	reports, theirReports, err := os.Pipe()
	if err != nil {
		orders.Close()
		return nil, err
	}
	defer theirReports.Close()
	cmd := exec.Command(s.config.Program, s.config.Args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = s.config.Env, s.config.Stdout, s.config.Stderr
	cmd.ExtraFiles = []*os.File{FileOrders - 3: theirOrders, FileReports - 3: theirReports, FileSocket - 3: of.socket}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // signals of a terminal come to the supervisor alone, which passes them on once
	if err := cmd.Start(); err != nil {
		orders.Close()
		reports.Close()
		return nil, err
	}
	p := &process{slot: of, number: s.numbers, cmd: cmd, inside: inside, client: clientOf(inside), commands: make(chan Command, 16)}
	first := s.config.Orders
	first.Index, first.Of, first.Inside, first.SessionKeys = of.index, len(s.slots), inside, s.sessions.all()
	go p.command(orders, appendLine(nil, first))
	go p.watch(s, reports)
	return p, nil
}

// clientOf asks whoever answers on a Unix socket.
func clientOf(path string) *http.Client {
	dialer := &net.Dialer{}
	return &http.Client{Timeout: askTimeout, Transport: &http.Transport{
		DialContext:         func(ctx context.Context, _, _ string) (net.Conn, error) { return dialer.DialContext(ctx, "unix", path) },
		MaxIdleConnsPerHost: 1, IdleConnTimeout: time.Minute,
	}}
}

// command writes the orders, and then what it is told to, until commands is closed.
func (p *process) command(orders *os.File, first []byte) {
	defer orders.Close()
	_, err := orders.Write(first)
	for c := range p.commands {
		if err == nil {
			_, err = orders.Write(appendLine(nil, c)) // waits for one that does not read: nobody else does
		}
	}
}

// say has a command given, unless many wait already: then the process does not listen.
func (p *process) say(c Command) {
	select {
	case p.commands <- c:
	default:
	}
}

// watch passes on what the process reports, and its end.
func (p *process) watch(s *Supervisor, reports *os.File) {
	for scanner := lines(reports); scanner.Scan(); {
		var r report
		if json.Unmarshal(scanner.Bytes(), &r) == nil {
			s.post(event{process: p, report: &r})
		}
	}
	reports.Close() // one that writes a line too long is told so by its signal
	err := p.cmd.Wait()
	p.client.CloseIdleConnections()
	_ = os.Remove(p.inside) // of one that was killed
	s.post(event{process: p, ended: true, err: err})
}

// kill ends it at once.
func (p *process) kill() { _ = p.cmd.Process.Kill() }
