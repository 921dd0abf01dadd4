package loadtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"sync"

	"github.com/wsedge/wsedge/loadtest/link"
)

// agentSession is an agent's part of one run.
type agentSession struct {
	// Immutable.
	cfg  AgentConfig
	conn *link.Conn

	// Owned by the goroutine that receives.
	workers map[uint16]*agentWorker

	running sync.WaitGroup
}

// agentWorker is a worker process, seen from its agent.
type agentWorker struct {
	input *backlog
	kill  context.CancelFunc
}

// serveAgentSession does what a coordinator asks for until it is gone or ctx is done, and then ends all workers. It takes
// ownership of conn. That the coordinator has closed the connection is no error.
func serveAgentSession(ctx context.Context, conn *link.Conn, cfg AgentConfig) error {
	ctx, cancel := context.WithCancel(ctx)
	s := &agentSession{cfg: cfg, conn: conn, workers: map[uint16]*agentWorker{}}
	context.AfterFunc(ctx, func() { _ = conn.Close() })
	err := s.receive(ctx)
	cancel()
	for _, w := range s.workers {
		w.input.close()
	}
	s.running.Wait()
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func (s *agentSession) log(format string, args ...any) {
	s.cfg.Log(s.conn.RemoteAddr().String() + ": " + fmt.Sprintf(format, args...))
}

func (s *agentSession) receive(ctx context.Context) error {
	for {
		m, err := s.conn.Receive()
		if err != nil {
			return err
		}
		if err := s.take(ctx, m); err != nil {
			return err
		}
	}
}

// take does what one message says. Messages for a worker that has ended may still be under way; they are dropped.
func (s *agentSession) take(ctx context.Context, m link.Message) error {
	if m.Kind == kindPing {
		taken := monotonicNow()
		if len(m.Body) != 8 {
			return errors.New("a ping of another length")
		}
		return s.conn.Send(kindPong, 0, pongBytes(m.Body, taken, monotonicNow()))
	}
	w := s.workers[m.Stream]
	switch {
	case m.Kind == kindStart && w == nil && len(s.workers) < maxProcesses:
		s.start(ctx, m.Stream)
	case m.Kind == kindStart:
		return fmt.Errorf("a worker too many, or one of the same number; at most %d are allowed", maxProcesses)
	case w == nil:
		return fmt.Errorf("a message of kind %d for a worker that was never started", m.Kind)
	case m.Kind == kindData:
		return w.input.put(m.Body)
	case m.Kind == kindEnd:
		w.input.close()
	case m.Kind == kindKill:
		w.kill()
		w.input.close()
	default:
		return fmt.Errorf("a message of unknown kind %d", m.Kind)
	}
	return nil
}

func (s *agentSession) start(ctx context.Context, stream uint16) {
	ctx, kill := context.WithCancel(ctx)
	w := &agentWorker{input: newBacklog(), kill: kill}
	s.workers[stream] = w
	s.running.Go(func() {
		defer kill()
		defer w.input.close()
		reason := ""
		if err := s.work(ctx, stream, w.input); err != nil {
			reason = err.Error()
		}
		// Where this fails, the session ends.
		_ = s.conn.Send(kindEnd, stream, []byte(reason[:min(len(reason), link.MaxBody)]))
	})
}

// work runs one worker process: first comes what it has to do, which has to be allowed.
func (s *agentSession) work(ctx context.Context, stream uint16, input *backlog) error {
	commands := json.NewDecoder(io.LimitReader(input, maxBacklog))
	var spec workerSpec
	if err := commands.Decode(&spec); err != nil {
		return fmt.Errorf("no specification: %w", err)
	}
	if err := s.check(ctx, &spec); err != nil {
		s.log("refused: %v", err)
		return err
	}
	s.log("worker %d: %d connections to %v", stream, spec.Conns, spec.Addr)
	process, in, out, err := prepareWorker(ctx, s.cfg.WorkerCommand)
	if err != nil {
		return err
	}
	if err := process.Start(); err != nil {
		return fmt.Errorf("starting a worker: %w", err)
	}
	var feeding sync.WaitGroup
	feeding.Go(func() {
		// A worker that has ended does not read on; its end is told below.
		if json.NewEncoder(in).Encode(spec) == nil {
			_, _ = io.Copy(in, io.MultiReader(commands.Buffered(), input))
		}
		_ = in.Close()
	})
	sent := s.forward(stream, out)
	err = process.Wait()
	input.close()
	feeding.Wait()
	return errors.Join(sent, err)
}

// forward sends what a worker says in pieces.
func (s *agentSession) forward(stream uint16, from io.Reader) error {
	piece := make([]byte, link.MaxBody)
	for {
		n, err := from.Read(piece)
		if n > 0 {
			if err := s.conn.Send(kindData, stream, piece[:n]); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF) || errors.Is(err, os.ErrClosed):
			return nil
		case err != nil:
			return err
		}
	}
}

// check holds a specification against what this agent allows, and has it connect from the agent's own addresses.
func (s *agentSession) check(ctx context.Context, spec *workerSpec) error {
	if spec.Conns < 1 || spec.Conns > maxConns || spec.Threads < 1 || spec.Threads > 256 {
		return fmt.Errorf("%d connections on %d threads are none that a worker can serve", spec.Conns, spec.Threads)
	}
	if len(s.cfg.Sources) > 0 {
		spec.Sources = s.cfg.Sources
	}
	if len(spec.Sources) > 0 && spec.Sources[0].Addr().Is4() != spec.Addr.Addr().Is4() {
		return fmt.Errorf("sources %v cannot reach %v", spec.Sources, spec.Addr)
	}
	for _, node := range append([]netip.AddrPort{spec.Addr}, spec.Also...) {
		if err := allowed(ctx, s.cfg.Allow, node); err != nil {
			return err
		}
	}
	return nil
}

// prepareWorker makes a worker process, ready to be started; it dies with ctx.
func prepareWorker(ctx context.Context, command []string) (process *exec.Cmd, in io.WriteCloser, out io.ReadCloser, err error) {
	if len(command) == 0 {
		self, err := os.Executable()
		if err != nil {
			return nil, nil, nil, err
		}
		command = []string{self, "worker"}
	}
	process = exec.CommandContext(ctx, command[0], command[1:]...)
	process.Stderr = os.Stderr
	if in, err = process.StdinPipe(); err != nil {
		return nil, nil, nil, err
	}
	if out, err = process.StdoutPipe(); err != nil {
		return nil, nil, nil, errors.Join(err, in.Close())
	}
	return process, in, out, nil
}
