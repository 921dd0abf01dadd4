package reactor

import (
	"testing"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/pool"
)

// Whatever order groups come in, one that has not begun waits for at most one turn of those that have, and those for at most
// one of what is new.
func TestLanesTakeTurns(t *testing.T) {
	inTheMidst := func() *group { return &group{batch: batch{shared: new(pool.Shared)}} }
	var q runQueue
	large := []*group{inTheMidst(), inTheMidst(), inTheMidst()}
	for _, g := range large {
		q.push(g)
	}
	fresh := []*group{{}, {}, {}, {}}
	q.push(fresh[0])
	if q.pop() != fresh[0] {
		t.Fatal("what is new waits behind what is not")
	}
	for _, g := range fresh[1:] {
		q.push(g)
	}
	var order []*group
	for q.len() > 0 {
		order = append(order, q.pop())
	}
	want := []*group{large[0], fresh[1], large[1], fresh[2], large[2], fresh[3]}
	for i, g := range want {
		if order[i] != g {
			t.Errorf("at %d stands another group", i)
		}
	}
}

func TestRunQueueHoldsAGroupOnce(t *testing.T) {
	var q runQueue
	g, paused := &group{}, &group{paused: true}
	q.push(g)
	q.push(g)
	q.push(paused)
	if q.len() != 1 || q.pop() != g || q.len() != 0 {
		t.Errorf("%d groups are left", q.len())
	}
	q.push(g)
	if q.len() != 1 {
		t.Error("a group that was taken cannot come back")
	}
}

// A topic with much to send is sliced over turns, and the poll between them takes up what is posted meanwhile: the small topic's
// subscriber has its publication while the large one's are still going out.
func TestSmallTopicIsServedInTheMidstOfALargeOne(t *testing.T) {
	const subscribers, publications = 300, 300
	var large, small *Topic
	s := prepare(t, Config{
		Loops: 1, Forms: []FormOptions{{NoCoalesce: true}},
		Upgrade: func(_ *Conn, r *frame.Request) (Accept, error) {
			if string(r.Path) == "/small" {
				return Accept{Context: small}, nil
			}
			return Accept{Context: large}, nil
		},
		Handler: funcs{open: func(c *Conn) {
			_ = c.Subscribe(c.Context().(*Topic))
			_ = c.Send(frame.OpText, []byte("ready"))
		}},
	})
	large, small = s.NewTopic(TopicOptions{}), s.NewTopic(TopicOptions{})
	start(t, s)
	for range subscribers {
		dialReady(t, s)
	}
	one := dial(t, s, "/small")
	one.wantText("ready")
	const attempts = 10 // where the machine stops the test between two of its lines, the turn may be over
	for i := range attempts {
		total := s.Stats().Deliveries + subscribers*publications
		for range publications {
			_, _ = large.Broadcast(frame.OpText, []byte("x"))
		}
		_, _ = small.Broadcast(frame.OpText, []byte("y"))
		one.wantText("y")
		if s.Stats().Deliveries < total {
			return
		}
		t.Logf("attempt %d: it came after all deliveries", i+1)
		s.settle()
	}
	t.Error("it never came in the midst of them")
}

// A turn that serves hands the storage of its posts back to the inbox, as every other does: a publication allocates no new one.
func TestServingKeepsTheInboxesStorage(t *testing.T) {
	s, topic, _ := onTopic(t, Config{Loops: 1}, TopicOptions{})
	c := dialReady(t, s)
	s.settle()           // both slices are there now
	for i := range 200 { // the call may come in the midst of the turn, where it proves nothing
		_, _ = topic.Broadcast(frame.OpText, []byte("x"))
		c.wantText("x")
		onLoop(t, &Conn{loop: s.knownLoops()[0], state: stateOpen}, func(c *Conn) {
			in := &c.loop.inbox
			in.mu.Lock()
			defer in.mu.Unlock()
			if cap(in.posts) == 0 {
				t.Errorf("publication %d: the storage is lost", i)
			}
		})
	}
}
