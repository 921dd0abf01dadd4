package reactor

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/wsedge/wsedge/frame"
)

// ledger is what one client of a random run must have seen when it is over.
type ledger struct {
	client   *client
	server   *Conn
	joined   map[int]uint64   // topics it is subscribed to, and the publication after which it was
	got      map[int][]uint64 // publications seen, by topic
	must     map[int][]uint64 // publications that it must see, by topic
	optional map[int]uint64   // the last publication of a topic when it unsubscribed: those before may be missing
}

// randomRun does random things to a server and keeps the books.
type randomRun struct {
	t       *testing.T
	rng     *rand.Rand
	s       *Server
	topics  []*Topic
	opened  box[*Conn]
	ended   box[*Conn]
	clients []*ledger
	seq     uint64
	opens   int
	closes  int
}

// Random sequences of open, in either direction, subscribe, join, publish, unsubscribe and close: every publication reaches whom it must, once,
// in order; one OnOpen is answered by one OnClose; and the harness sees that every reference is given back.
func TestRandomSequences(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			r := &randomRun{t: t, rng: rand.New(rand.NewPCG(seed, 7)), opened: newBox[*Conn](), ended: newBox[*Conn]()}
			r.s = prepare(t, Config{
				Loops: 1 + int(seed%3), TurnMaxSends: 1 + r.rng.IntN(8),
				Handler: funcs{open: func(c *Conn) { r.opened <- c }, close: func(c *Conn, _ End) { r.ended <- c }},
			})
			for range 4 {
				r.topics = append(r.topics, r.s.NewTopic(TopicOptions{}))
			}
			start(t, r.s)
			for range 600 {
				r.step()
			}
			r.finish()
		})
	}
}

func (r *randomRun) step() {
	switch n := r.rng.IntN(20); {
	case n < 2 && len(r.clients) < 40:
		c := r.open()
		r.clients = append(r.clients, &ledger{client: c, server: r.opened.take(r.t),
			joined: map[int]uint64{}, got: map[int][]uint64{}, must: map[int][]uint64{}, optional: map[int]uint64{}})
		r.opens++
	case n == 2 && len(r.clients) > 0:
		r.leave(r.rng.IntN(len(r.clients)))
	case n < 6 && len(r.clients) > 0:
		r.toggle(r.clients[r.rng.IntN(len(r.clients))], r.rng.IntN(len(r.topics)))
	default:
		r.publish(r.rng.IntN(len(r.topics)))
	}
}

// open opens a conn in one of three ways: accepted, dialed, or dialed and carried by a bridge.
func (r *randomRun) open() *client {
	var o DialOptions
	switch r.rng.IntN(4) {
	case 0:
		type wrapped struct{ net.Conn }
		o.NetDial = through(func(c net.Conn) net.Conn { return wrapped{c} })
		fallthrough
	case 1:
		return reached(r.t, r.s, o)
	default:
		return dial(r.t, r.s, "/")
	}
}

// toggle subscribes a client to a topic, at once or in two steps, or ends that. The loop has done it before the next step,
// so the books know exactly which publications count.
func (r *randomRun) toggle(l *ledger, topic int) {
	t := r.topics[topic]
	if _, in := l.joined[topic]; in {
		onLoop(r.t, l.server, func(c *Conn) { c.Unsubscribe(t) })
		delete(l.joined, topic)
		l.optional[topic] = r.seq
		return
	}
	l.joined[topic] = r.seq
	if r.rng.IntN(2) == 0 {
		onLoop(r.t, l.server, func(c *Conn) { _ = c.Subscribe(t) })
		return
	}
	var j *Joining
	onLoop(r.t, l.server, func(c *Conn) { j, _ = c.Join(t, 0) })
	for range r.rng.IntN(3) {
		r.publish(topic)
	}
	onLoop(r.t, l.server, func(*Conn) { _ = j.Complete(l.joined[topic]) })
}

func (r *randomRun) publish(topic int) {
	r.seq++
	var exclude *ledger
	if len(r.clients) > 0 && r.rng.IntN(4) == 0 {
		exclude = r.clients[r.rng.IntN(len(r.clients))]
	}
	p := Publication{Seq: r.seq, Encoder: Message{frame.OpText, fmt.Append(nil, topic, " ", r.seq)}}
	if exclude != nil {
		p.Exclude = exclude.server
	}
	if _, err := r.topics[topic].Publish(p); err != nil {
		r.t.Fatal(err)
	}
	for _, l := range r.clients {
		if _, in := l.joined[topic]; in && l != exclude {
			l.must[topic] = append(l.must[topic], r.seq)
		}
	}
}

// leave makes a client go, in one of two ways.
func (r *randomRun) leave(i int) {
	l := r.clients[i]
	if r.rng.IntN(2) == 0 {
		l.client.Close() // with whatever is on its way
	} else {
		r.readToEnd(l)
		l.check(r.t)
	}
	r.clients = append(r.clients[:i], r.clients[i+1:]...)
	r.closes++
}

// readToEnd reads all that is due, closes the conn from the server's side, and reads what was sent before the close frame.
func (r *randomRun) readToEnd(l *ledger) {
	for l.missing() > 0 { // a close would overtake publications that are still being served
		l.read(r.t)
	}
	onLoop(r.t, l.server, func(c *Conn) { c.Close(1000, "") })
	for l.read(r.t) {
	}
	l.client.Close()
}

// missing counts the topics whose last due publication, that no Unsubscribe has overtaken, has not been seen.
func (l *ledger) missing() (n int) {
	for topic := range l.joined {
		must, got := l.must[topic], l.got[topic]
		if len(must) > 0 && must[len(must)-1] > l.optional[topic] && (len(got) == 0 || got[len(got)-1] != must[len(must)-1]) {
			n++
		}
	}
	return n
}

// read takes one message into the books; false is the close frame.
func (l *ledger) read(t *testing.T) bool {
	t.Helper()
	op, payload, err := l.client.next()
	if err != nil {
		t.Fatal(err)
	}
	if op == frame.OpClose {
		return false
	}
	name, seq, _ := strings.Cut(payload, " ")
	topic, _ := strconv.Atoi(name)
	n, _ := strconv.ParseUint(seq, 10, 64)
	l.got[topic] = append(l.got[topic], n)
	return true
}

// check compares what came with what had to come: all of it and in order, but for what an Unsubscribe has overtaken.
func (l *ledger) check(t *testing.T) {
	t.Helper()
	for topic, must := range l.must {
		got := l.got[topic]
		for _, seq := range must {
			if len(got) > 0 && got[0] == seq {
				got = got[1:]
			} else if seq > l.optional[topic] {
				t.Fatalf("topic %d: publication %d is missing, duplicated or out of order: %v of %v", topic, seq, l.got[topic], must)
			}
		}
		if len(got) > 0 {
			t.Fatalf("topic %d: %v came unasked", topic, got)
		}
	}
}

func (r *randomRun) finish() {
	for len(r.clients) > 0 {
		r.leave(0)
	}
	for range r.closes {
		r.ended.take(r.t)
	}
	eventually(r.t, "all gone", func() bool { return r.s.Stats().Connections == 0 })
	if len(r.ended) != 0 || r.opens != r.closes {
		r.t.Errorf("%d opened, %d closed, %d ended once more", r.opens, r.closes, len(r.ended))
	}
}
