package reactor

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/wsedge/wsedge/frame"
)

// subscribing is a Handler that subscribes each conn to a topic, in the form that its path names.
type subscribing struct {
	funcs
	topics func(*Conn) []*Topic
	form   Form
}

func (h *subscribing) OnOpen(c *Conn) {
	for _, t := range h.topics(c) {
		_ = c.SubscribeIn(t, h.form)
	}
	_ = c.Send(frame.OpText, []byte("ready"))
	h.funcs.OnOpen(c)
}

// onTopic starts a server all of whose conns are subscribed to one topic.
func onTopic(t testing.TB, cfg Config, o TopicOptions) (*Server, *Topic, box[*Conn]) {
	opened := newBox[*Conn]()
	var topic *Topic
	cfg.Handler = &subscribing{
		funcs:  funcs{open: func(c *Conn) { opened <- c }},
		topics: func(*Conn) []*Topic { return []*Topic{topic} },
	}
	s := prepare(t, cfg)
	topic = s.NewTopic(o)
	start(t, s)
	return s, topic, opened
}

func dialReady(t testing.TB, s *Server) *client {
	t.Helper()
	c := dial(t, s, "/")
	c.wantText("ready")
	return c
}

func TestBroadcastReachesAll(t *testing.T) {
	s, topic, _ := onTopic(t, Config{}, TopicOptions{})
	var clients []*client
	for range 50 {
		clients = append(clients, dialReady(t, s))
	}
	if n := topic.Subscribers(); n != 50 {
		t.Fatalf("%d subscribers", n)
	}
	for i := range 20 {
		if matched, err := topic.Broadcast(frame.OpText, fmt.Append(nil, "news ", i)); matched != 50 || err != nil {
			t.Fatalf("Broadcast: %d, %v", matched, err)
		}
	}
	for _, c := range clients {
		for i := range 20 {
			c.wantText(fmt.Sprint("news ", i))
		}
	}
	eventually(t, "1000 deliveries counted", func() bool { return s.Stats().Deliveries == 1000 })
}

// Publishers race; every subscriber, on whatever loop, must see the same order.
func TestOrderIsTheSameOnEveryConn(t *testing.T) {
	s, topic, _ := onTopic(t, Config{Loops: 4}, TopicOptions{})
	var clients []*client
	for range 16 {
		clients = append(clients, dialReady(t, s))
	}
	const publishers, each = 8, 200
	var wg sync.WaitGroup
	for p := range publishers {
		wg.Go(func() {
			for i := range each {
				_, _ = topic.Broadcast(frame.OpText, fmt.Append(nil, p, ":", i))
			}
		})
	}
	wg.Wait()
	var first []string
	for n, c := range clients {
		var got []string
		for range publishers * each {
			_, payload, err := c.next()
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, payload)
		}
		if n == 0 {
			first = got
		} else if !slices.Equal(got, first) {
			t.Fatalf("client %d saw another order", n)
		}
	}
}

func TestExcludedConnGetsTheOthersOnly(t *testing.T) {
	s, topic, opened := onTopic(t, Config{Loops: 1}, TopicOptions{})
	a := dialReady(t, s)
	serverA := opened.take(t)
	b := dialReady(t, s)
	serverB := opened.take(t)
	onLoop(t, serverA, func(*Conn) { // in one turn, so that they are joined
		for i, exclude := range []*Conn{nil, serverA, serverB, serverA, nil} {
			_, _ = topic.Publish(Publication{Encoder: Message{frame.OpText, fmt.Append(nil, i)}, Exclude: exclude})
		}
	})
	for _, want := range []string{"0", "2", "4"} {
		a.wantText(want)
	}
	for _, want := range []string{"0", "1", "3", "4"} {
		b.wantText(want)
	}
}

func TestSubscribeErrorsAndUnsubscribe(t *testing.T) {
	s, topic, opened := onTopic(t, Config{}, TopicOptions{})
	c := dialReady(t, s)
	server := opened.take(t)
	other := []*Topic{s.NewTopic(TopicOptions{}), s.NewTopic(TopicOptions{}), s.NewTopic(TopicOptions{})}
	onLoop(t, server, func(c *Conn) {
		if err := c.Subscribe(topic); err != ErrSubscribed {
			t.Errorf("twice: %v", err)
		}
		if err := c.SubscribeIn(other[0], 1); err != ErrForm {
			t.Errorf("unknown form: %v", err)
		}
		for _, o := range other {
			if err := c.Subscribe(o); err != nil {
				t.Error(err)
			}
		}
		if !c.Unsubscribe(topic) || c.Unsubscribe(topic) {
			t.Error("Unsubscribe does not say what there was")
		}
		if !c.Unsubscribe(other[1]) || c.Subscribed(other[1]) || !c.Subscribed(other[2]) || !c.Subscribed(other[0]) {
			t.Error("the wrong one was removed")
		}
	})
	for _, o := range append(other, topic) {
		_, _ = o.Broadcast(frame.OpText, fmt.Append(nil, slices.Index(other, o)))
	}
	c.wantText("0")
	c.wantText("2")
	onLoop(t, server, func(c *Conn) { c.Close(1000, "") })
	c.wantClose(1000, "")
	for i, o := range append(other, topic) {
		if n := o.Subscribers(); n != 0 {
			t.Errorf("topic %d still has %d subscribers", i, n)
		}
		for loop := range o.shares {
			if o.shares[loop].groups != nil || o.shares[loop].interest.Load() != 0 {
				t.Errorf("topic %d still has something on loop %d", i, loop)
			}
		}
	}
}

// What has gathered for a conn in one turn goes out in one write, over all its topics and replies.
func TestOneWritePerConnAndTurn(t *testing.T) {
	var topics []*Topic
	opened := newBox[*Conn]()
	s := prepare(t, Config{Loops: 1, Handler: &subscribing{
		funcs:  funcs{open: func(c *Conn) { opened <- c }},
		topics: func(*Conn) []*Topic { return topics },
	}})
	topics = []*Topic{s.NewTopic(TopicOptions{}), s.NewTopic(TopicOptions{})}
	start(t, s)
	c := dialReady(t, s)
	server := opened.take(t)
	s.settle()
	before := s.Stats().Sends
	onLoop(t, server, func(*Conn) { // posts queue up behind this one, and make one turn
		for i := range 10 {
			_, _ = topics[0].Broadcast(frame.OpText, fmt.Append(nil, "a", i))
			_, _ = topics[1].Broadcast(frame.OpText, fmt.Append(nil, "b", i))
		}
		server.Post(func(c *Conn) { _ = c.Send(frame.OpText, []byte("reply")) })
	})
	var got []string
	for range 21 {
		_, payload, err := c.next()
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, payload)
	}
	if a := slices.Index(got, "a0"); !slices.Equal(got[a:a+10], strings.Split("a0 a1 a2 a3 a4 a5 a6 a7 a8 a9", " ")) {
		t.Errorf("order %v", got)
	}
	s.settle()
	if n := s.Stats().Sends - before; n != 1 {
		t.Errorf("%d writes for one turn, want 1", n)
	}
}

func TestLargePublicationGoesOutWhole(t *testing.T) {
	s, topic, _ := onTopic(t, Config{OutboundMaxBytes: 64 << 20, OutboundMaxAge: patience}, TopicOptions{})
	c := dialReady(t, s)
	large := strings.Repeat("0123456789abcdef", 1<<18) // 4 MiB: far more than a socket takes at once
	for range 3 {
		_, _ = topic.Broadcast(frame.OpText, []byte(large))
		_, _ = topic.Broadcast(frame.OpText, []byte("small"))
	}
	for range 3 {
		c.wantText(large)
		c.wantText("small")
	}
}

func TestBacklogIsRefusedWhole(t *testing.T) {
	s, topic, opened := onTopic(t, Config{NodeMaxBytes: 1000}, TopicOptions{})
	c := dialReady(t, s)
	server := opened.take(t)
	release := make(chan struct{})
	server.Post(func(*Conn) { <-release }) // the loop stands still
	accepted := 0
	for {
		if _, err := topic.Broadcast(frame.OpText, make([]byte, 300)); err != nil {
			if err != ErrBacklog {
				t.Fatal(err)
			}
			break
		}
		accepted++
	}
	close(release)
	for range accepted {
		c.wantText(string(make([]byte, 300)))
	}
	eventually(t, "room again", func() bool { return s.Stats().InFlightBytes == 0 })
	if _, err := topic.Broadcast(frame.OpText, []byte("again")); err != nil {
		t.Fatal(err)
	}
	c.wantText("again")
	if n := s.Stats().Backlogged; n != 1 {
		t.Errorf("%d refusals counted, want 1", n)
	}
}

// A conn that leaves, or comes, while a large topic is being served over several turns.
func TestTopicServedOverSeveralTurns(t *testing.T) {
	s, topic, opened := onTopic(t, Config{Loops: 1, TurnMaxSends: 3}, TopicOptions{})
	var clients []*client
	var servers []*Conn
	for range 20 {
		clients = append(clients, dialReady(t, s))
		servers = append(servers, opened.take(t))
	}
	onLoop(t, servers[0], func(*Conn) {
		_, _ = topic.Broadcast(frame.OpText, []byte("one"))
		_, _ = topic.Broadcast(frame.OpText, []byte("two"))
		// Behind the publications, one turn later, when three conns have been served:
		servers[0].Post(func(*Conn) {
			servers[19].Unsubscribe(topic)
			servers[10].Close(1000, "gone")
		})
	})
	clients[10].next() // some of it may have come before
	for i, c := range clients {
		if i == 10 || i == 19 {
			continue
		}
		c.wantText("one")
		c.wantText("two")
	}
	_, _ = topic.Broadcast(frame.OpText, []byte("three"))
	for i, c := range clients {
		if i != 10 && i != 19 {
			c.wantText("three")
		}
	}
}

// A fan-out of many turns does not keep input waiting until it is done.
func TestInputComesBetweenTheTurnsOfAFanOut(t *testing.T) {
	const subscribers = 200
	var topic *Topic
	opened, served := newBox[*Conn](), newBox[int64]()
	s := prepare(t, Config{Loops: 1, TurnMaxSends: 1, Handler: funcs{
		open: func(c *Conn) {
			_ = c.Subscribe(topic)
			opened <- c
		},
		message: func(c *Conn, _ frame.Opcode, _ []byte) { served <- c.Server().Stats().Deliveries },
	}})
	topic = s.NewTopic(TopicOptions{})
	start(t, s)
	var clients []*client
	var server *Conn
	for range subscribers {
		clients = append(clients, dial(t, s, "/"))
		server = opened.take(t)
	}
	onLoop(t, server, func(*Conn) {
		clients[0].text("I am waiting") // is readable before the fan-out begins
		_, _ = topic.Broadcast(frame.OpText, []byte("to all"))
	})
	if n := served.take(t); n >= subscribers {
		t.Errorf("input was read after %d of %d deliveries", n, subscribers)
	}
	for _, c := range clients {
		c.wantText("to all")
	}
}

// The gap of a form passes when nobody is left to be served.
func TestOnlyMessagesCanBeSent(t *testing.T) {
	s, topic, opened := onTopic(t, Config{}, TopicOptions{})
	dialReady(t, s)
	onLoop(t, opened.take(t), func(c *Conn) {
		for _, op := range []frame.Opcode{frame.OpContinuation, frame.OpPing, frame.OpClose, 3} {
			if err := c.Send(op, nil); err != ErrOpcode {
				t.Errorf("Send of %v: %v", op, err)
			}
			if _, err := topic.Broadcast(op, nil); err != ErrOpcode {
				t.Errorf("Broadcast of %v: %v", op, err)
			}
		}
	})
}
