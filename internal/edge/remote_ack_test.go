package edge

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/wsedge/wsedge/internal/channel"
)

// Who has acknowledged something at one node comes to another, and is sent what is behind it; also when the first node has ended.
func TestAcknowledgedOnAnotherNode(t *testing.T) {
	es := engines(t, 2)
	node := func(i int) *ackTest {
		return startAck(t, 100, func(c *Config, _ *channel.Options) { c.Broker = es[i] })
	}
	a, b := node(0), node(1)
	var hello struct{ Offset, Acked uint64 }
	subscribe := func(c *client) {
		t.Helper()
		c.say(`{"type":"subscribe","channel":"news"}`)
		text := c.hear()
		if err := json.Unmarshal([]byte(text), &hello); err != nil || !strings.Contains(text, `"type":"subscribed"`) {
			t.Fatal(text)
		}
	}
	ann := a.as("ann")
	subscribe(ann)
	var offsets []uint64
	for i := range 5 {
		offsets = append(offsets, a.publish(fmt.Sprint(i)).Offset)
		ann.want(fmt.Sprintf(`*"data":%d,*`, i))
	}
	ann.ack(offsets[1])
	if got := page(t, a.s, "/metrics"); !strings.Contains(got, "wsedge_ack_cursors 1\n") {
		t.Error("one user is connected, and metrics do not say so")
	}
	ann.leave()
	eventually(t, "it is stored", func() bool { return es[0].CursorStats().Kept == 0 })
	ann = b.as("ann")
	subscribe(ann)
	if hello.Acked != offsets[1] {
		t.Errorf("%+v, want %d", hello, offsets[1])
	}
	for i := 2; i < 5; i++ {
		ann.want(fmt.Sprintf(`*"data":%d,*`, i))
	}
	ann.ack(offsets[3])
	es[1].Close()
	ann = a.as("ann")
	subscribe(ann)
	if hello.Acked != offsets[3] {
		t.Errorf("%+v, want %d", hello, offsets[3])
	}
	ann.want(`*"data":4,*`)
}
