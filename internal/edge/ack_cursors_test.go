package edge

import (
	"fmt"
	"strings"
	"testing"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/internal/auth"
	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/channel"
	"github.com/wsedge/wsedge/internal/dialect/native"
	"github.com/wsedge/wsedge/reactor"
)

// Where there are too many users the one that has been away longest is forgotten, and finds that out.
func TestUsersAreBounded(t *testing.T) {
	a := startAck(t, 10, func(_ *Config, o *channel.Options) { o.AckUsers = 2 })
	ann, bob := a.as("ann"), a.as("bob")
	a.returns(ann, nil, 0, false, 0, none)
	a.returns(bob, nil, 0, false, 0, none)
	eve := a.as("eve")
	a.returns(eve, nil, 0, false, -1, none) // all others are connected
	last := a.publish("1")
	for _, c := range []*client{ann, bob, eve} {
		c.want(`*"offset":1}`)
	}
	eve.ack(1)
	eve.leave()
	a.returns(eve, &last, 1, true, -1, none) // a position is good without a cursor
	bob.conn.Close()
	waitForClients(t, a.s, 2)
	eve.leave()
	a.returns(eve, nil, 1, false, 1, none)
	ann.leave()
	a.returns(ann, nil, 1, true, 0, 1)
	ann.leave()
	a.returns(a.as("bob"), nil, 1, false, 1, none)
	ann.say(`{"type":"subscribe","channel":"news"}`)
	a.wantSubscribed(ann, 1, false, -1, none)
	_, text := call(t, a.s, "GET", "/metrics", "", nil)
	for _, want := range []string{
		"wsedge_ack_cursors 2", `wsedge_ack_cursors_forgotten_total{reason="users"} 2`, `wsedge_ack_cursors_refused_total{reason="users"} 4`,
	} {
		if !strings.Contains(text, want+"\n") {
			_, text, _ = strings.Cut(text, "wsedge_ack_cursors")
			t.Fatalf("no %s: %.1000s", want, text)
		}
	}
}

// Acknowledgement can be promised, and taken back, while clients are subscribed.
func TestAcknowledgementIsReconfigured(t *testing.T) {
	var namespaces *channel.Namespaces
	var authentication *auth.Config
	a := startAck(t, 10, func(cfg *Config, _ *channel.Options) { namespaces, authentication = cfg.Namespaces, cfg.Auth })
	promise := func(ack bool) {
		n := *namespaces
		n.Default.Ack = ack
		if err := a.s.Reconfigure(Config{Namespaces: &n, Auth: authentication}); err != nil {
			t.Fatal(err)
		}
	}
	c := a.as("ann")
	a.returns(c, nil, 0, false, 0, none)
	promise(false)
	a.publish("1", "2")
	c.want(`*"offset":1}`)
	c.want(`*"offset":2}`)
	c.ack(1)
	if stats := a.s.ackStats(); stats.Cursors != 0 || stats.Forgotten["reload"] != 1 {
		t.Errorf("%+v", stats)
	}
	c.leave()
	c.subscribe("news")
	promise(true)
	c.ack(1) // the first that counts
	c.leave()
	a.returns(c, nil, 2, true, 1, 2)
}

// lateEngine takes its time to refuse acknowledgements.
type lateEngine struct {
	broker.Broker
	refuse func(done func(error))
}

type lateLog struct {
	broker.Log
	engine *lateEngine
}

func (e *lateEngine) Open(channel string, r broker.Retention, sink broker.Sink) broker.Log {
	return lateLog{e.Broker.Open(channel, r, sink), e}
}

func (l lateLog) Acknowledge(_ string, _ uint64, done func(error)) error {
	go l.engine.refuse(done)
	return broker.ErrPending
}

func TestAcknowledgementsThatFailLate(t *testing.T) {
	verdicts := make(chan error, 3)
	engine := &lateEngine{broker.NewMemory(broker.MemoryConfig{}), func(done func(error)) { done(<-verdicts) }}
	a := startAck(t, 10, func(cfg *Config, _ *channel.Options) { cfg.Broker = engine })
	c := a.as("ann")
	a.returns(c, nil, 0, false, 0, none)
	for _, row := range []struct {
		verdict error
		code    string
	}{{broker.ErrAhead, "bad_request"}, {fmt.Errorf("no route"), "unavailable"}} {
		c.say(`{"type":"ack","id":7,"channel":"news","offset":1}`)
		verdicts <- row.verdict
		c.want(`{"type":"error","id":7,"channel":"news","code":"` + row.code + `",*}`)
	}
	verdicts <- nil
	c.ack(1)
}

// An acknowledgement costs one allocation beside that of its own command: for the answer that might come later.
func TestAcknowledgementIsCheap(t *testing.T) {
	a := startAck(t, 10, nil)
	last := a.publish("1")
	c := a.as("ann")
	a.returns(c, nil, 1, false, 1, none)
	command := fmt.Appendf(nil, `{"type":"ack","channel":"news","offset":%d}`, last.Offset)
	costs := make(chan [2]float64)
	a.s.clients.conn(c.id).Post(func(conn *reactor.Conn) {
		talk := conn.Context().(*session)
		parsing := testing.AllocsPerRun(1000, func() { _, _ = native.Parse(command) })
		costs <- [2]float64{parsing, testing.AllocsPerRun(1000, func() { talk.message(conn, frame.OpText, command) })}
	})
	if cost := <-costs; cost[1] > cost[0]+1 {
		t.Errorf("%v allocations, of which %v are for parsing", cost[1], cost[0])
	}
	c.idle()
}
