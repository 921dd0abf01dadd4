package reactor

import (
	"fmt"
	"testing"

	"github.com/wsedge/wsedge/frame"
)

func TestJoiningLosesNothingAndRepeatsNothing(t *testing.T) {
	s, topic, opened := onTopic(t, Config{}, TopicOptions{})
	c := dial(t, s, "/")
	c.wantText("ready")
	server := opened.take(t)
	joined := s.NewTopic(TopicOptions{})
	publish := func(seq uint64) {
		_, _ = joined.Publish(Publication{Encoder: Message{frame.OpText, fmt.Append(nil, seq)}, Seq: seq})
	}
	publish(1) // before: never
	var j *Joining
	onLoop(t, server, func(c *Conn) {
		var err error
		if j, err = c.Join(joined, 0); err != nil {
			t.Error(err)
		}
		if _, err := c.Join(joined, 0); err != ErrSubscribed {
			t.Errorf("twice: %v", err)
		}
	})
	for seq := uint64(2); seq <= 6; seq++ {
		publish(seq)
	}
	s.settle()
	onLoop(t, server, func(c *Conn) {
		_ = c.Send(frame.OpText, []byte("history to 4"))
		if err := j.Complete(4); err != nil {
			t.Error(err)
		}
		if err := j.Complete(4); err != ErrClosed {
			t.Errorf("twice: %v", err)
		}
		j.Abort() // nothing after Complete
	})
	publish(7)
	c.wantText("history to 4")
	for _, want := range []string{"5", "6", "7"} {
		c.wantText(want)
	}
	onLoop(t, server, func(c *Conn) {
		c.Unsubscribe(joined)
		j, _ = c.Join(joined, 0)
		c.Unsubscribe(joined) // while joining
		if err := j.Complete(0); err != ErrClosed {
			t.Errorf("after Unsubscribe: %v", err)
		}
		j, _ = c.Join(joined, 0)
		j.Abort()
		if c.Subscribed(joined) {
			t.Error("subscribed after Abort")
		}
	})
	publish(8)
	_, _ = topic.Broadcast(frame.OpText, []byte("end"))
	c.wantText("end")
	if n := joined.Subscribers(); n != 0 {
		t.Errorf("%d subscribers left", n)
	}
}

func TestJoiningThatHoldsTooMuchEndsTheConn(t *testing.T) {
	s, _, opened := onTopic(t, Config{OutboundMaxBytes: 1000}, TopicOptions{})
	c := dialReady(t, s)
	server := opened.take(t)
	joined := s.NewTopic(TopicOptions{})
	var j *Joining
	onLoop(t, server, func(c *Conn) { j, _ = c.Join(joined, 0) })
	for range 10 {
		_, _ = joined.Broadcast(frame.OpText, make([]byte, 300))
	}
	s.settle()
	onLoop(t, server, func(*Conn) {
		if err := j.Complete(0); err != ErrClosed {
			t.Errorf("Complete: %v", err)
		}
	})
	c.wantClose(1008, "slow_consumer")
	if n := s.Stats().Drops["slow"]; n != 10 {
		t.Errorf("%d drops counted", n)
	}
}
