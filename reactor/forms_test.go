package reactor

import (
	"fmt"
	"testing"
	"time"

	"github.com/wsedge/wsedge/frame"
)

// perForm encodes a publication differently in each form, and counts how often.
type perForm struct {
	encoded *[maxForms]int
	text    string
}

func (p perForm) AppendForm(dst []byte, f Form) []byte {
	p.encoded[f]++
	return frame.AppendFrame(dst, frame.OpText, fmt.Append(nil, p.text, " in form ", f))
}

func TestFormsAreEncodedOnceAndOnlyIfInUse(t *testing.T) {
	var topic *Topic
	s := prepare(t, Config{
		Forms: []FormOptions{{Name: "zero"}, {Name: "one"}, {Name: "two"}},
		Upgrade: func(c *Conn, r *frame.Request) (Accept, error) {
			return Accept{Context: Form(r.Path[1] - '0')}, nil
		},
		Handler: funcs{open: func(c *Conn) {
			_ = c.SubscribeIn(topic, c.Context().(Form))
			_ = c.Send(frame.OpText, []byte("ready"))
		}},
	})
	topic = s.NewTopic(TopicOptions{})
	start(t, s)
	var clients []*client
	for _, path := range []string{"/0", "/2", "/0", "/2"} {
		c := dial(t, s, path)
		c.wantText("ready")
		clients = append(clients, c)
	}
	var encoded [maxForms]int
	if matched, err := topic.Publish(Publication{Encoder: perForm{&encoded, "x"}}); matched != 4 || err != nil {
		t.Fatal(matched, err)
	}
	for i, c := range clients {
		c.wantText(fmt.Sprint("x in form ", i%2*2))
	}
	if encoded != [maxForms]int{1, 0, 1} {
		t.Errorf("encoded %v times", encoded)
	}
}

func TestFormWithAGapStillDeliversAllInOrder(t *testing.T) {
	s, topic, _ := onTopic(t, Config{Forms: []FormOptions{{Gap: 2 * time.Millisecond}}}, TopicOptions{})
	c := dialReady(t, s)
	s.settle()
	sends := s.Stats().Sends
	for i := range 20 {
		_, _ = topic.Broadcast(frame.OpText, fmt.Append(nil, i))
	}
	for i := range 20 {
		c.wantText(fmt.Sprint(i))
	}
	eventually(t, "20 writes for 20 publications", func() bool { return s.Stats().Sends-sends == 20 })
}

func TestGapOfATopicThatEveryoneHasLeft(t *testing.T) {
	s, topic, opened := onTopic(t, Config{Loops: 1, Forms: []FormOptions{{Gap: time.Millisecond}}}, TopicOptions{})
	c := dialReady(t, s)
	server := opened.take(t)
	for i := range 20 {
		_, _ = topic.Broadcast(frame.OpText, []byte("x"))
		c.wantText("x")
		onLoop(t, server, func(c *Conn) {
			g := topic.groupOn(c.loop, 0)
			c.Unsubscribe(topic)
			if i%2 == 0 { // the resumption is posted before the topic is left, and taken after it
				c.loop.do(&post{kind: postResume, group: g})
			}
		})
		s.settle()
		onLoop(t, server, func(c *Conn) { _ = c.Subscribe(topic) })
	}
	if n := s.Stats().Panics; n != 0 {
		t.Errorf("%d panics", n)
	}
}
