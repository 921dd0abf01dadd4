package reactor

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/wsedge/wsedge/frame"
)

// overlapping is a client that is in and out of two topics and of a wide one, and what it must get of them.
type overlapping struct {
	client *client
	conn   *Conn
	in     [2]bool
	wide   bool
	want   [2][]uint64
}

// overlap is a server with such clients, and what has been published so far.
type overlap struct {
	t       *testing.T
	rng     *rand.Rand
	server  *Server
	topics  [2]*Topic
	wide    *Topic
	clients []*overlapping
	seqs    [2]uint64
}

func (w *overlap) publish(i int) {
	w.seqs[i]++
	seq := w.seqs[i]
	_, _ = w.topics[i].Publish(Publication{
		Encoder: Message{frame.OpText, fmt.Append(nil, i, " ", seq)}, Seq: seq, Prev: seq - 1, Also: []*Topic{w.wide},
	})
	for _, o := range w.clients {
		if o.in[i] || o.wide {
			o.want[i] = append(o.want[i], seq)
		}
	}
}

// change has a client enter or leave something. Who leaves while he is in nothing else loses what is on its way, so that it is waited for.
func (w *overlap) change(o *overlapping, i int) {
	topic := w.topics[i]
	switch w.rng.IntN(4) {
	case 0:
		if !o.wide {
			onLoop(w.t, o.conn, func(c *Conn) { _ = c.Subscribe(w.wide) })
			o.wide = true
		}
	case 1:
		if o.wide && !o.in[0] && !o.in[1] {
			w.server.settle()
		}
		if o.wide {
			o.conn.Post(func(c *Conn) { c.Unsubscribe(w.wide) })
			o.wide = false
		}
	case 2:
		if !o.in[i] {
			o.join(w.t, topic, w.seqs[i], func() { w.publish(i) }, w.rng.IntN(3), i)
		}
	case 3:
		if o.in[i] && !o.wide {
			w.server.settle()
		}
		if o.in[i] {
			o.conn.Post(func(c *Conn) { c.Unsubscribe(topic) })
			o.in[i] = false
		}
	}
}

// Who is subscribed to a wide topic and to others gets each publication once, and those of each topic in order, whatever it enters and
// leaves while they are on their way.
func TestWideTopicsRandomly(t *testing.T) {
	seed := rand.Uint64()
	opened := newBox[*Conn]()
	s := serve(t, Config{Loops: 2, TurnMaxSends: 16, Handler: funcs{open: func(c *Conn) { opened <- c }}})
	w := &overlap{
		t: t, rng: rand.New(rand.NewPCG(seed, 7)), server: s,
		topics: [2]*Topic{s.NewTopic(TopicOptions{}), s.NewTopic(TopicOptions{})}, wide: s.NewTopic(TopicOptions{Wide: true}),
	}
	for range 60 {
		w.clients = append(w.clients, &overlapping{client: dial(t, s, "/"), conn: opened.take(t)})
	}
	for range 600 {
		for range w.rng.IntN(4) {
			w.publish(w.rng.IntN(2))
		}
		w.change(w.clients[w.rng.IntN(len(w.clients))], w.rng.IntN(2))
	}
	s.settle()
	for _, o := range w.clients {
		onLoop(t, o.conn, func(c *Conn) { _ = c.Send(frame.OpText, []byte("end")) })
		if got := o.hear(t); !slices.Equal(got[0], o.want[0]) || !slices.Equal(got[1], o.want[1]) {
			t.Fatalf("seed %d: got %d and %d, want %d and %d", seed, len(got[0]), len(got[1]), len(o.want[0]), len(o.want[1]))
		}
	}
	for _, o := range w.clients {
		o.conn.Post(func(c *Conn) { c.Close(frame.CloseNormal, "") })
	}
	eventually(t, "all conns closed", func() bool { return s.Stats().Open == 0 })
	for _, o := range w.clients {
		o.client.wantClose(frame.CloseNormal, "")
	}
	for _, l := range s.knownLoops() {
		if len(l.wide) > 0 {
			t.Errorf("%d topics are remembered", len(l.wide))
		}
	}
}

// join enters the topic with n publications between the two steps. Those behind the first of them are sent by Complete, unless the
// wide topic has brought them.
func (o *overlapping) join(t *testing.T, topic *Topic, seq uint64, publish func(), n, i int) {
	var j *Joining
	onLoop(t, o.conn, func(c *Conn) { j, _ = c.Join(topic, 0) })
	for range n {
		publish()
	}
	onLoop(t, o.conn, func(c *Conn) { _ = j.Complete(seq + 1) })
	o.in[i] = true
	for k := 2; !o.wide && k <= n; k++ {
		o.want[i] = append(o.want[i], seq+uint64(k))
	}
}

// hear reads to the end, and returns the publications of each topic.
func (o *overlapping) hear(t *testing.T) (got [2][]uint64) {
	for {
		_, text, err := o.client.next()
		if err != nil || text == "end" {
			return got
		}
		var i int
		var seq uint64
		if _, err := fmt.Sscan(text, &i, &seq); err != nil {
			t.Fatal(text, err)
		}
		got[i] = append(got[i], seq)
	}
}
