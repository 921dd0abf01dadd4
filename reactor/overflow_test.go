package reactor

import (
	"bytes"
	"testing"
	"time"

	"github.com/wsedge/wsedge/frame"
)

// A subscriber that comes when the others have been ended for what they did not take begins with an empty queue.
func TestJoiningIsNotEndedForOthers(t *testing.T) {
	s, topic, opened := onTopic(t, Config{Loops: 1, OutboundMaxBytes: 1000, Forms: []FormOptions{{Gap: time.Hour}}}, TopicOptions{})
	slow := dialReady(t, s)
	opened.take(t)
	joiner := dialReady(t, s)
	joining := opened.take(t)
	publish := func(n int) {
		if _, err := topic.Broadcast(frame.OpText, bytes.Repeat([]byte("x"), n)); err != nil {
			t.Fatal(err)
		}
		s.settle()
	}
	publish(1) // begins the gap
	joiner.wantText("x")
	var j *Joining
	onLoop(t, joining, func(c *Conn) { c.Unsubscribe(topic) })
	publish(900)
	onLoop(t, joining, func(c *Conn) { j, _ = c.Join(topic, 0) })
	publish(200)
	slow.wantText("x")
	slow.wantClose(1008, "slow_consumer")
	onLoop(t, joining, func(*Conn) { _ = j.Complete(1 << 60) })
	publish(10)
	if st := s.Stats(); st.Open != 1 || st.Ended["slow"] != 1 {
		t.Errorf("%d open, ended %v", st.Open, st.Ended)
	}
}

// Who is ended with a paused topic is told of what was on its way to him, and of nothing else.
func TestEndedMembersAreToldWhatTheyMiss(t *testing.T) {
	told := make(map[*Conn][]Drop)
	s, topic, opened := onTopic(t, Config{
		Loops: 1, OutboundMaxBytes: 1000, Forms: []FormOptions{{Gap: time.Hour}}, OnDrop: func(c *Conn, d Drop) { told[c] = append(told[c], d) },
	}, TopicOptions{})
	publish := func(seq uint64, size int, exclude *Conn) {
		_, _ = topic.Publish(Publication{Encoder: Message{frame.OpText, make([]byte, size)}, Seq: seq, Prev: seq - 1, Exclude: exclude})
		s.settle()
	}
	dialReady(t, s)
	first := opened.take(t)
	publish(1, 1, nil)
	publish(2, 300, nil)
	publish(3, 300, first)
	dialReady(t, s)
	late := opened.take(t)
	publish(4, 300, nil)
	publish(5, 300, nil)
	s.settle()
	onEachLoop(t, s, func(*loop) {
		if d := told[first]; len(d) != 1 || d[0].Count != 3 || d[0].After != 1 || d[0].Before != 6 {
			t.Errorf("the first is told of %+v", d)
		}
		if d := told[late]; len(d) != 1 || d[0].Count != 2 || d[0].After != 3 || d[0].Before != 6 {
			t.Errorf("the late one is told of %+v", d)
		}
	})
	if n := s.Stats().Drops["slow"]; n != 5 {
		t.Errorf("%d drops counted", n)
	}
}

// The publisher that its own publication leaves out is not told that it is missing.
func TestGapsLeaveOutTheExcluded(t *testing.T) {
	r := newDropRun(t, 10, Config{OutboundMaxBytes: 500, Forms: []FormOptions{{Gap: time.Hour}}}, []TopicOptions{{Policy: DropNewest}})
	topic := r.topics[0]
	var me *Conn
	onEachLoop(t, r.s, func(l *loop) { l.wheel.each(func(c *Conn) { me = c }) })
	for seq, exclude := range []*Conn{nil, nil, me, me, nil} {
		_, _ = topic.Publish(Publication{Encoder: Message{frame.OpText, make([]byte, 400)}, Seq: uint64(seq + 1), Prev: uint64(seq), Exclude: exclude})
		r.s.settle()
		onEachLoop(t, r.s, func(l *loop) {
			for _, a := range topic.groupOn(l, 0).waiting() {
				if a.gap && (a.exclude == me) != (a.last < 5) {
					t.Errorf("after %d: a notice of what is above %d to %d leaves out %p", seq+1, a.after, a.last, a.exclude)
				}
			}
		})
	}
}

// However much one turn drops for the many of a paused topic, what is noted for OnDrop stays small.
func TestNotedDropsAreBounded(t *testing.T) {
	var most, count int
	s, topic, _ := onTopic(t, Config{
		Loops: 1, OutboundMaxBytes: 1000, Forms: []FormOptions{{Gap: time.Hour}},
		OnDrop: func(c *Conn, d Drop) { most, count = max(most, len(c.loop.drops)), count+int(d.Count) },
	}, TopicOptions{Policy: DropNewest})
	const conns, publications = 20, 2000
	for range conns {
		dialReady(t, s)
	}
	onEachLoop(t, s, func(*loop) { // in one turn
		for range publications {
			_, _ = topic.Broadcast(frame.OpText, make([]byte, 400))
		}
	})
	s.settle()
	onEachLoop(t, s, func(*loop) {
		if most > scratchMaxItems+conns {
			t.Errorf("%d drops were noted", most)
		}
	})
	if n := s.Stats().Drops["newest"]; n != int64(count) || n < conns*(publications-5) {
		t.Errorf("%d drops counted, %d told", n, count)
	}
}

// BenchmarkDropPending drops one publication of many that wait for the gap of their form to pass, for the newest.
func BenchmarkDropPending(b *testing.B) {
	for _, policy := range []SlowPolicy{DropOldest, DropNewest} {
		b.Run("policy="+policy.String(), func(b *testing.B) {
			s := &Server{cfg: Config{OutboundMaxBytes: 1 << 20, Forms: []FormOptions{{Gap: time.Hour}}}}
			g := newGroup(&loop{srv: s}, s.NewTopic(TopicOptions{Policy: policy}), 0)
			arrive := func() {
				g.arrive(arrival{shared: newShared(60, func(dst []byte) []byte { return append(dst, make([]byte, 60)...) })})
			}
			for g.waitingBytes <= s.cfg.OutboundMaxBytes {
				arrive()
			}
			for b.Loop() {
				arrive()
				g.overflow()
			}
			g.discard()
		})
	}
}
