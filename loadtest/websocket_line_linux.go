package loadtest

import (
	"context"
	"os"
	"sync"
	"time"

	"github.com/wsedge/wsedge/frame"
)

// websocketLine publishes by messages on a WebSocket connection, which may also bring deliveries and heartbeats: it has a
// reader that answers them while nothing is published.
type websocketLine struct {
	// Immutable after newWebSocketLine.
	number   int
	run      uint32
	size     int // of stamps
	form     *messageForm
	dial     publishDial
	host     string
	path     string
	header   string
	patience time.Duration // for connecting and the setup
	channels []string      // that are published to

	// Owned by the publisher.
	stamps stamper
	id     uint64
	dialed uint64
	text   []byte
	peer   *publisherConn // nil without a connection
}

// publisherConn is one connection of a websocketLine.
type publisherConn struct {
	// Immutable.
	client  *websocketClient
	answers chan publishAnswer // of the one publication that is awaited
	ended   chan struct{}      // closed when the reader has ended
	err     error              // why; read after ended

	mu     sync.Mutex
	awaits bool   // guarded by mu
	wanted values // guarded by mu: those of the awaited publication, without its payload
	stamp  stamp  // guarded by mu: its stamp
}

func newWebSocketLine(r *run, number int, dial publishDial, form *messageForm, stamps stamper) (*websocketLine, error) {
	path, err := compileTemplate(requestTemplate(r.target.PublishURL), escapeURL, variableConn)
	if err != nil {
		return nil, err
	}
	line := &websocketLine{
		number: number, run: r.id, size: r.cfg.Payload, form: form, dial: dial, host: r.target.PublishURL.Host, header: headerBlock(r.cfg.Header),
		path: string(path.append(nil, &values{conn: number})), patience: r.cfg.SetupTimeout, stamps: stamps,
	}
	for topic := range r.topics.count() {
		for index := range r.topics.streamsOf(topic) {
			if publisher, _ := r.topics.publisherOf(topic + index*r.topics.count()); publisher == number {
				line.channels = append(line.channels, r.topics.name(topic))
			}
		}
	}
	return line, nil
}

func (l *websocketLine) isOpen() bool {
	return l.peer != nil && !isClosed(l.peer.ended)
}

func (l *websocketLine) open(ctx context.Context) error {
	if l.isOpen() {
		return nil
	}
	l.shut()
	ctx, cancel := context.WithTimeout(ctx, l.patience)
	defer cancel()
	l.dialed++
	seed := uint64(l.run)<<32 | 1<<31 | uint64(l.number)<<16 | l.dialed&0xffff
	conn, err := l.dial(ctx)
	if err != nil {
		return err
	}
	client, err := openWebSocket(ctx, conn, l.host, l.path, l.header, l.form.talk.lines, seed)
	if err != nil {
		return err
	}
	if err := l.setUp(ctx, client); err != nil {
		client.close()
		return err
	}
	l.peer = &publisherConn{client: client, answers: make(chan publishAnswer, 1), ended: make(chan struct{})}
	go l.peer.read(l)
	return nil
}

// setUp goes through the steps; one that sends a channel's name is done for each channel.
func (l *websocketLine) setUp(ctx context.Context, client *websocketClient) error {
	defer interruptible(ctx, client.conn)()
	talk := l.form.talk
	l.id = 0
	for i := range talk.setup {
		step := &talk.setup[i]
		channels := l.channels
		if step.send == nil || !step.send.uses(variableChannel) {
			channels = channels[:min(1, len(channels))]
		}
		for _, channel := range channels {
			l.id++
			v := values{channel: channel, conn: l.number, id: l.id}
			if err := client.setUp(talk, step, &v); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *websocketLine) shut() {
	if l.peer == nil {
		return
	}
	if l.isOpen() {
		l.peer.client.leave()
	}
	l.peer.client.close()
	<-l.peer.ended
	l.peer = nil
}

func (l *websocketLine) waits() bool { return l.form.by != AckNone }

func (l *websocketLine) write(ctx context.Context, stream int, sequence uint32, intended int64) error {
	defer interruptible(ctx, l.peer.client.conn)()
	l.id++
	v := l.stamps.values(l.number, l.id, stream, sequence, intended)
	l.text = l.form.send.append(l.text[:0], &v)
	v.payload = nil // of the stamper's
	l.peer.await(v, stamp{Run: l.run, Publisher: uint32(stream), Sequence: sequence, Intended: intended})
	return l.peer.client.write(frame.OpText, l.text)
}

func (l *websocketLine) answer(ctx context.Context) (publishAnswer, error) {
	if l.form.by == AckNone {
		return publishAnswer{accepted: true}, nil
	}
	select {
	case a := <-l.peer.answers:
		return a, nil
	case <-ctx.Done():
		return publishAnswer{}, os.ErrDeadlineExceeded // as a connection would say
	case <-l.peer.ended:
	}
	select {
	case a := <-l.peer.answers: // it came before the end
		return a, l.peer.err
	default:
		return publishAnswer{}, l.peer.err
	}
}

func (c *publisherConn) await(v values, s stamp) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.awaits, c.wanted, c.stamp = true, v, s
}

// read takes messages until the connection ends.
func (c *publisherConn) read(l *websocketLine) {
	defer close(c.ended)
	defer c.client.release()
	var m incoming
	for {
		text, err := c.client.next()
		if err != nil {
			c.err = err
			return
		}
		m.take(text)
		if c.settles(l, &m) {
			continue
		}
		if err := c.client.answer(l.form.talk, &m, &values{channel: l.channels[0], conn: l.number}); err != nil {
			c.err = err
			return
		}
	}
}

// settles says whether the message tells what became of the awaited publication.
func (c *publisherConn) settles(l *websocketLine, m *incoming) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.awaits {
		return false
	}
	var answer publishAnswer
	switch {
	case l.form.refused != nil && l.form.refused.holds(m, &c.wanted):
		code := l.form.refused.codeOf(m)
		answer.refused = &failure{text: "refused: " + code}
	case l.form.by == AckReply && l.form.ack.holds(m, &c.wanted):
		answer.accepted = true
	case l.form.by == AckDelivery:
		s, verdict := findStamp(m.text, l.size)
		answer.accepted = verdict == stampGood && s == c.stamp
	}
	if answer == (publishAnswer{}) {
		return false
	}
	c.awaits = false
	c.answers <- answer // there is room: nothing else is awaited
	return true
}
