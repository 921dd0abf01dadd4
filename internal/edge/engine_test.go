package edge

import (
	"errors"
	"sync"
	"testing"

	"github.com/wsedge/wsedge/internal/broker"
)

func publicationOf(data string) *broker.Publication { return &broker.Publication{Data: []byte(data)} }

// slowEngine is a memory engine whose answers wait until the test gives them.
type slowEngine struct {
	memory    *broker.Memory
	questions chan func(fail error)
}

func newSlowEngine() *slowEngine {
	return &slowEngine{broker.NewMemory(broker.MemoryConfig{}), make(chan func(error), 10_000)}
}

// answer gives the next n answers, from this goroutine.
func (e *slowEngine) answer(n int, fail error) {
	for range n {
		(<-e.questions)(fail)
	}
}

func (e *slowEngine) Open(channel string, r broker.Retention, sink broker.Sink) broker.Log {
	return &slowLog{e, e.memory.Open(channel, r, sink)}
}

type slowLog struct {
	engine *slowEngine
	broker.Log
}

func (l *slowLog) Publish(p *broker.Publication, done func(broker.Result, error)) (broker.Result, error) {
	l.engine.questions <- func(fail error) {
		if fail != nil {
			done(broker.Result{}, fail)
			return
		}
		done(l.Log.Publish(p, nil))
	}
	return broker.Result{}, broker.ErrPending
}

func (l *slowLog) Recover(q broker.RecoverQuery, done func(broker.Past, error)) {
	l.engine.questions <- func(fail error) {
		if fail != nil {
			done(broker.Past{}, fail)
			return
		}
		l.Log.Recover(q, done)
	}
}

func (l *slowLog) History(q broker.HistoryQuery, done func(broker.Past, error)) {
	l.engine.questions <- func(fail error) {
		if fail != nil {
			done(broker.Past{}, fail)
			return
		}
		l.Log.History(q, done)
	}
}

func (l *slowLog) Position(done func(broker.Position, error)) {
	l.engine.questions <- func(fail error) {
		if fail != nil {
			done(broker.Position{}, fail)
			return
		}
		l.Log.Position(done)
	}
}

func TestRepliesKeepTheirOrderBehindASlowEngine(t *testing.T) {
	engine := newSlowEngine()
	s := startServer(t, Config{Broker: engine})
	c := greet(t, s)
	c.say(`{"type":"subscribe","id":1,"channel":"a"}`, `{"type":"ping","id":2}`, `{"type":"publish","id":3,"channel":"a","data":1}`,
		`{"type":"subscribe","id":4,"channel":"a"}`, `{"type":"subscribe","id":5,"channel":"b"}`, `{"type":"ping","id":6}`)
	subscribe, publish := <-engine.questions, <-engine.questions
	publish(nil) // out of order: the position then counts it
	subscribe(nil)
	engine.answer(1, nil)
	c.want(`{"type":"subscribed","id":1,"channel":"a","epoch":"*","offset":1}`)
	c.want(`{"type":"pong","id":2}`)
	c.want(`{"type":"published","id":3,"channel":"a","offset":1}`)
	c.want(`{"type":"error","id":4,"channel":"a","code":"already_subscribed",*}`)
	c.want(`{"type":"subscribed","id":5,"channel":"b","epoch":"*","offset":0}`)
	c.want(`{"type":"pong","id":6}`)
	c.idle()
}

func TestEngineThatFails(t *testing.T) {
	engine := newSlowEngine()
	s := startServer(t, Config{Broker: engine})
	c := greet(t, s)
	c.say(`{"type":"subscribe","id":1,"channel":"a"}`, `{"type":"publish","id":2,"channel":"a","data":1}`)
	engine.answer(2, errors.New("down"))
	c.want(`{"type":"error","id":1,"channel":"a","code":"unavailable",*}`)
	c.want(`{"type":"error","id":2,"channel":"a","code":"unavailable",*}`)
	c.say(`{"type":"subscribe","id":3,"channel":"a"}`)
	engine.answer(1, nil)
	c.want(`{"type":"subscribed","id":3,"channel":"a","epoch":"*","offset":0}`)

	answered := make(chan int)
	go func() {
		status, _ := post(t, s, "/api/publish", `{"channel":"a","data":1}`)
		answered <- status
	}()
	engine.answer(1, errors.New("down"))
	if status := <-answered; status != 503 {
		t.Fatalf("status %d", status)
	}
}

func TestLeavingAChannelThatIsBeingJoined(t *testing.T) {
	engine := newSlowEngine()
	s := startServer(t, Config{Broker: engine})
	c := greet(t, s)
	c.say(`{"type":"subscribe","id":1,"channel":"a"}`, `{"type":"unsubscribe","id":2,"channel":"a"}`,
		`{"type":"subscribe","id":3,"channel":"a"}`)
	c.want(`{"type":"error","id":1,"channel":"a","code":"unavailable",*}`)
	c.want(`{"type":"unsubscribed","id":2,"channel":"a"}`)
	engine.answer(2, nil)
	c.want(`{"type":"subscribed","id":3,"channel":"a","epoch":"*","offset":0}`)
	publishing := make(chan struct{})
	go func() {
		defer close(publishing)
		post(t, s, "/api/publish", `{"channel":"a","data":1}`)
	}()
	engine.answer(1, nil)
	<-publishing
	c.want(`{"type":"message","channel":"a","data":1,"offset":1}`)
	c.idle()
}

func TestClosingWhileTheEngineOwesAnswers(t *testing.T) {
	engine := newSlowEngine()
	s := startServer(t, Config{Broker: engine})
	var owed []func(error)
	for range 20 {
		c := greet(t, s)
		c.say(`{"type":"subscribe","channels":["a","b"]}`, `{"type":"publish","channel":"a","data":1}`)
		for range 3 {
			owed = append(owed, <-engine.questions)
		}
		c.conn.Close()
	}
	var answering sync.WaitGroup
	for _, answer := range owed {
		answering.Go(func() { answer(nil) })
	}
	answering.Wait()
	c := greet(t, s)
	c.say(`{"type":"subscribe","channel":"a"}`)
	engine.answer(1, nil)
	c.want(`{"type":"subscribed","channel":"a","epoch":"*","offset":20}`)
}

func TestClientThatAsksOnBehindASlowEngine(t *testing.T) {
	engine := newSlowEngine()
	s := startServer(t, Config{Broker: engine})
	c := greet(t, s)
	c.say(`{"type":"subscribe","channel":"a"}`)
	var pings []string
	for range maxReplies {
		pings = append(pings, `{"type":"ping"}`)
	}
	c.say(pings...)
	c.want(`{"type":"disconnect","code":3013,"reason":"limit","retry_after_ms":*}`)
	c.wantClose(3013)
}
