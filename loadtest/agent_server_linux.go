package loadtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/wsedge/wsedge/loadtest/link"
)

// maxStrangers is how many connections an agent holds whose token it does not know yet; the rest is closed unheard.
const maxStrangers = 16

// turnPatience is how long a coordinator waits for a run that may just be ending, before it is told that the agent is busy.
const turnPatience = time.Second

// agentServer is an agent, between runs and in one.
type agentServer struct {
	// Immutable.
	cfg   AgentConfig
	token *link.Token
	build string

	strangers chan struct{} // a place for each

	turn chan struct{} // holds one where there is a run

	// Guarded by mu.
	mu    sync.Mutex
	guest string // whose run it is or was
}

// ServeAgent lets coordinators that hold the token run load from this machine, one run at a time, until ctx is done. It takes
// ownership of the listener. What it starts ends with the coordinator's connection.
func ServeAgent(ctx context.Context, listener net.Listener, cfg AgentConfig) error {
	token, err := link.NewToken(cfg.Token)
	if err != nil {
		return errors.Join(usageError(err), listener.Close())
	}
	setDefault(&cfg.silence, agentSilence)
	if cfg.Log == nil {
		cfg.Log = func(string) {}
	}
	a := &agentServer{cfg: cfg, token: token, build: buildOf(newEnvironment()), strangers: make(chan struct{}, maxStrangers), turn: make(chan struct{}, 1)}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	release := context.AfterFunc(ctx, func() { _ = listener.Close() })
	defer release()
	var visits sync.WaitGroup
	defer visits.Wait()
	defer cancel()
	for {
		raw, err := listener.Accept()
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return err
		case err != nil: // out of descriptors, or the peer is gone: it will pass
			a.log("accept: %v", err)
			waitFor(ctx, 100*time.Millisecond)
			continue
		}
		visits.Go(func() { a.visit(ctx, raw) })
	}
}

// waitFor returns after a while, or when ctx is done.
func waitFor(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

func (a *agentServer) log(format string, args ...any) { a.cfg.Log(fmt.Sprintf(format, args...)) }

// visit serves one connection to its end.
func (a *agentServer) visit(ctx context.Context, raw net.Conn) {
	from := raw.RemoteAddr().String()
	select {
	case a.strangers <- struct{}{}:
	default:
		_ = raw.Close()
		a.log("%s: closed unheard: %d others have not shown a token yet", from, maxStrangers)
		return
	}
	conn, err := a.greet(ctx, raw)
	<-a.strangers
	if err != nil {
		a.log("%s: refused: %v", from, err)
		return
	}
	defer a.free()
	a.log("%s: a run begins", from)
	if err := serveAgentSession(ctx, conn, a.cfg); err != nil {
		a.log("%s: the run has ended: %v", from, err)
		return
	}
	a.log("%s: the run has ended", from)
}

// greet finds out who is there, and welcomes a coordinator of the same build if there is no other. The agent is its own then.
func (a *agentServer) greet(ctx context.Context, raw net.Conn) (*link.Conn, error) {
	conn, err := link.Accept(ctx, raw, a.token, a.cfg.silence)
	if err != nil {
		return nil, err
	}
	release := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer release()
	if err := a.hear(conn); err != nil {
		// The other side may be gone; it is told if it is not.
		_ = conn.Send(kindRefusal, 0, []byte(err.Error()))
		return nil, errors.Join(err, conn.Close())
	}
	env := environment()
	if err := conn.Send(kindWelcome, 0, mustJSON(agentWelcome{Environment: env, Sources: a.cfg.Sources})); err != nil {
		a.free()
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// hear listens to the hello, and takes the agent for this coordinator.
func (a *agentServer) hear(conn *link.Conn) error {
	m, err := conn.Receive()
	if err != nil {
		return err
	}
	var hello agentHello
	if m.Kind != kindHello || json.Unmarshal(m.Body, &hello) != nil {
		return errors.New("it did not say hello")
	}
	if err := hello.check(a.build); err != nil {
		return err
	}
	timer := time.NewTimer(turnPatience)
	defer timer.Stop()
	select {
	case a.turn <- struct{}{}:
	case <-timer.C:
		a.mu.Lock()
		defer a.mu.Unlock()
		return fmt.Errorf("busy with a run of %s", a.guest)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.guest = fmt.Sprintf("%s, since %s", conn.RemoteAddr(), time.Now().UTC().Format(time.RFC3339))
	return nil
}

func (a *agentServer) free() { <-a.turn }
