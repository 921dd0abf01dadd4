package loadtest

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/wsedge/wsedge/loadtest/link"
)

const (
	// The clock of an agent is asked for often at first, and then a few times twice a second: 16 messages of 50 bytes.
	firstExchanges = 40
	nextExchanges  = 8
	roundInterval  = 500 * time.Millisecond
	// To an agent far away a round is cut short after a while, as long as there are a few answers.
	roundTime     = int64(250 * time.Millisecond)
	leastExchange = 3
)

// agentLink is an agent, seen from the coordinator.
type agentLink struct {
	// Immutable.
	agent   Agent
	conn    *link.Conn
	welcome agentWelcome
	silence time.Duration

	pongs   chan exchange
	hurry   chan struct{} // asks for a round now
	ended   chan struct{} // nothing more is received
	helpers sync.WaitGroup

	// Guarded by mu.
	mu       sync.Mutex
	workers  map[uint16]*remoteWorker
	failure  error // why it ended
	estimate clockEstimate
}

// prefix begins what is said about an agent; nil is this machine.
func (l *agentLink) prefix() string {
	if l == nil {
		return ""
	}
	return "agent " + l.agent.Address + ": "
}

func (l *agentLink) named(err error) error { return fmt.Errorf("%s%w", l.prefix(), err) }

// dialAgent engages an agent and compares clocks. The link asks for the time until it is closed.
func dialAgent(ctx context.Context, agent Agent, token *link.Token, silence time.Duration) (*agentLink, error) {
	l := &agentLink{
		agent: agent, silence: silence, pongs: make(chan exchange, 1), hurry: make(chan struct{}, 1), ended: make(chan struct{}), workers: map[uint16]*remoteWorker{},
	}
	conn, err := link.Dial(ctx, agent.Address, token, silence)
	if err != nil {
		return nil, l.named(err)
	}
	l.conn = conn
	release := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer release()
	if err := l.introduce(); err != nil {
		return nil, errors.Join(l.named(err), conn.Close())
	}
	l.helpers.Go(l.receive)
	if err := l.round(firstExchanges); err != nil {
		l.close()
		return nil, err
	}
	l.helpers.Go(l.keepTime)
	return l, nil
}

// introduce says hello and reads the welcome.
func (l *agentLink) introduce() error {
	hello := agentHello{Protocol: agentProtocol, Build: buildOf(newEnvironment())}
	if err := l.conn.Send(kindHello, 0, mustJSON(hello)); err != nil {
		return err
	}
	m, err := l.conn.Receive()
	switch {
	case err != nil:
		return l.explain(err)
	case m.Kind == kindRefusal:
		return fmt.Errorf("refused: %s", m.Body)
	case m.Kind != kindWelcome:
		return fmt.Errorf("it answered with a message of kind %d", m.Kind)
	}
	err = json.Unmarshal(m.Body, &l.welcome)
	if l.welcome.Environment.Sysctls == nil { // the report's maps are never null
		l.welcome.Environment.Sysctls = map[string]string{}
	}
	return err
}

// explain puts what ended a connection into words.
func (l *agentLink) explain(err error) error {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("it has said nothing for %v", l.silence)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("the connection to it has ended: %w", err)
	}
	return err
}

// close ends the link, and with it all workers there.
func (l *agentLink) close() {
	_ = l.conn.Close()
	l.helpers.Wait()
}

// fail notes why the link has ended; the first reason stays.
func (l *agentLink) fail(err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failure == nil {
		l.failure = l.explain(err)
	}
	return l.failure
}

// send is Send with the link's failure for an error.
func (l *agentLink) send(kind byte, stream uint16, body []byte) error {
	if err := l.conn.Send(kind, stream, body); err != nil {
		_ = l.conn.Close()
		return l.fail(err)
	}
	return nil
}

// receive passes on what comes until the end of the connection, and then ends the workers' streams.
func (l *agentLink) receive() {
	for {
		m, err := l.conn.Receive()
		if err == nil {
			err = l.take(m, monotonicNow())
		}
		if err != nil {
			l.finish(l.fail(err))
			return
		}
	}
}

func (l *agentLink) finish(err error) {
	_ = l.conn.Close()
	close(l.ended)
	l.mu.Lock()
	defer l.mu.Unlock()
	for stream, w := range l.workers {
		w.end(err)
		delete(l.workers, stream)
	}
}

func (l *agentLink) take(m link.Message, back int64) error {
	if m.Kind == kindPong {
		x, err := parsePong(m.Body, back)
		if err != nil {
			return err
		}
		select {
		case l.pongs <- x:
			return nil
		default:
			return errors.New("it answers what was not asked")
		}
	}
	l.mu.Lock()
	w := l.workers[m.Stream]
	if m.Kind == kindEnd {
		delete(l.workers, m.Stream)
	}
	l.mu.Unlock()
	switch {
	case w == nil:
		return fmt.Errorf("a message of kind %d about a worker that there is not", m.Kind)
	case m.Kind == kindEnd && len(m.Body) > 0:
		w.end(errors.New(string(m.Body)))
	case m.Kind == kindEnd:
		w.end(nil)
	case m.Kind == kindData:
		// Whoever has stopped to listen misses nothing that he wants.
		_, _ = w.write.Write(m.Body)
	default:
		return fmt.Errorf("a message of unknown kind %d", m.Kind)
	}
	return nil
}

// round asks for the time, one question after the other.
func (l *agentLink) round(questions int) error {
	answers := make([]exchange, 0, questions)
	for began := monotonicNow(); len(answers) < questions; {
		if len(answers) >= leastExchange && monotonicNow()-began > roundTime {
			break
		}
		if err := l.send(kindPing, 0, binary.BigEndian.AppendUint64(nil, uint64(monotonicNow()))); err != nil {
			return l.named(err)
		}
		select {
		case x := <-l.pongs:
			answers = append(answers, x)
		case <-l.ended:
			return l.named(l.fail(io.EOF))
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.estimate.add(answers)
	return nil
}

// keepTime asks for the time until the link ends.
func (l *agentLink) keepTime() {
	ticker := time.NewTicker(roundInterval)
	defer ticker.Stop()
	for {
		select {
		case <-l.ended:
			return
		case <-ticker.C:
		case <-l.hurry:
		}
		if l.round(nextExchanges) != nil {
			return // the reason is kept, and the workers' streams tell it
		}
	}
}

// clock is what is known of the agent's clock now.
func (l *agentLink) clock() clockEstimate {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.estimate
}

// mark begins the stretch that the report's uncertainty is about.
func (l *agentLink) mark() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.estimate.mark()
}

// remoteWorker is a worker on an agent: its two streams.
type remoteWorker struct {
	link   *agentLink
	stream uint16
	read   *io.PipeReader
	write  *io.PipeWriter
	ended  chan error
}

// starter is the fleet's way to start a worker there. The connection ends with ctx.
func (l *agentLink) starter(f *fleet) func(context.Context, []string, workerSpec) error {
	return func(ctx context.Context, _ []string, spec workerSpec) error {
		context.AfterFunc(ctx, func() { _ = l.conn.Close() })
		w := &remoteWorker{link: l, stream: uint16(len(f.members)), ended: make(chan error, 1)}
		w.read, w.write = io.Pipe()
		l.mu.Lock()
		failure := l.failure
		if failure == nil {
			l.workers[w.stream] = w
		}
		l.mu.Unlock()
		if failure != nil {
			return l.named(failure)
		}
		if err := l.send(kindStart, w.stream, nil); err != nil {
			return l.named(err)
		}
		err := f.join(w, w.read, spec, w.wait)
		last := f.members[len(f.members)-1]
		last.link, last.heard, last.latency = l, time.Now(), newHistogram()
		return err
	}
}

// Write sends commands to the worker.
func (w *remoteWorker) Write(p []byte) (n int, err error) {
	for len(p) > 0 {
		piece := p[:min(len(p), link.MaxBody)]
		if err := w.link.send(kindData, w.stream, piece); err != nil {
			return n, err
		}
		n, p = n+len(piece), p[len(piece):]
	}
	return n, nil
}

// Close ends the commands.
func (w *remoteWorker) Close() error { return w.link.send(kindEnd, w.stream, nil) }

// end ends what the worker says.
func (w *remoteWorker) end(err error) {
	w.ended <- err
	_ = w.write.Close()
}

// wait is called when nobody reads from the worker any more; it returns when that has ended.
func (w *remoteWorker) wait() error {
	_ = w.read.Close()
	select {
	case err := <-w.ended:
		return err
	default:
	}
	// It goes on, though nobody listens. Where the agent cannot be told, it is gone, and the worker with it.
	_ = w.link.send(kindKill, w.stream, nil)
	return <-w.ended
}
