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

// Who is subscribed to a wide topic and to others gets each publication once, and those of each topic in order, whatever it enters and
// leaves while they are on their way.
func TestWideTopicsRandomly(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 7))
	opened := newBox[*Conn]()
	s := serve(t, Config{Loops: 2, TurnMaxSends: 16, Handler: funcs{open: func(c *Conn) { opened <- c }}})
	topics := [2]*Topic{s.NewTopic(TopicOptions{}), s.NewTopic(TopicOptions{})}
	wide := s.NewTopic(TopicOptions{Wide: true})
	clients := make([]*overlapping, 60)
	for i := range clients {
		clients[i] = &overlapping{client: dial(t, s, "/"), conn: opened.take(t)}
	}
	var seqs [2]uint64
	publish := func(i int) {
		seqs[i]++
		_, _ = topics[i].Publish(Publication{
			Encoder: message{frame.OpText, fmt.Append(nil, i, " ", seqs[i])}, Seq: seqs[i], Prev: seqs[i] - 1, Also: []*Topic{wide},
		})
		for _, o := range clients {
			if o.in[i] || o.wide {
				o.want[i] = append(o.want[i], seqs[i])
			}
		}
	}
	for range 600 {
		for range r.IntN(4) {
			publish(r.IntN(2))
		}
		o, i := clients[r.IntN(len(clients))], r.IntN(2)
		topic := topics[i]
		switch r.IntN(4) {
		case 0:
			if !o.wide {
				onLoop(t, o.conn, func(c *Conn) { _ = c.Subscribe(wide, 0) })
				o.wide = true
			}
		case 1:
			if o.wide {
				if !o.in[0] && !o.in[1] {
					s.settle() // in no other topic, what is on its way is lost
				}
				o.conn.Post(func(c *Conn) { c.Unsubscribe(wide) })
				o.wide = false
			}
		case 2:
			if !o.in[i] {
				o.join(t, topic, seqs[i], func() { publish(i) }, r.IntN(3), i)
			}
		case 3:
			if o.in[i] && !o.wide {
				s.settle() // without a wide topic, what is on its way is lost
			}
			if o.in[i] {
				o.conn.Post(func(c *Conn) { c.Unsubscribe(topic) })
				o.in[i] = false
			}
		}
	}
	s.settle()
	for _, o := range clients {
		onLoop(t, o.conn, func(c *Conn) { _ = c.Send(frame.OpText, []byte("end")) })
		if got := o.hear(t); !slices.Equal(got[0], o.want[0]) || !slices.Equal(got[1], o.want[1]) {
			t.Fatalf("seed %d: got %d and %d, want %d and %d", seed, len(got[0]), len(got[1]), len(o.want[0]), len(o.want[1]))
		}
	}
	for _, o := range clients {
		o.conn.Post(func(c *Conn) { c.Close(frame.CloseNormal, "") })
	}
	eventually(t, "all clients gone", func() bool { return s.Stats().Connections == 0 })
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
