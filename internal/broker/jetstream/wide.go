package jetstream

import (
	"maps"
	"math"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/nats-io/nats.go"

	"github.com/wsedge/wsedge/internal/broker"
)

// wides are the interests of this node in all channels of a kind. One goroutine takes what they bring, whatever channel it is of, so that it stays in
// the order in which a stream has it.
type wides struct {
	messages chan *nats.Msg // immutable

	open atomic.Pointer[map[string]*wide] // by prefix; a set is never changed. Replaced with mu held

	tracked   atomic.Int64 // logs that live for an interest only, about 1 KB each
	untracked atomic.Int64 // publications that were delivered without a log

	mu    sync.Mutex
	bySub map[*nats.Subscription]*wide // guarded by mu
}

// wide implements broker.Interest. The first publication that it brings of a channel makes that channel's log live, at the place in front of it; the log
// takes it from there: what was missed, what comes twice, comparisons. It has no subscription of its own, it is fed. Beyond Config.MaxTracked channels are
// delivered as they come.
type wide struct {
	// Immutable.
	engine *Engine
	stream *stream
	prefix string
	sink   broker.WideSink

	// Guarded by mu.
	mu      sync.Mutex
	is      *identity // nil until that is known, and once closed
	sub     *nats.Subscription
	ready   bool // what is published arrives
	closed  bool
	waiting []func(error)
	// Up to since the stream was when this began: of a channel that has not been heard of everything behind it is wanted. seen is the last that came, and
	// up to sure everything has come, unless doubt.
	since, seen, sure uint64
	doubt             bool   // something may have been dropped since sure
	reading           bool   // what was missed is being read
	aim               uint64 // what had come when that began: it goes at least there, unless all up to there has gone
}

// OpenWide implements broker.Wide.
func (e *Engine) OpenWide(prefix string, r broker.Retention, sink broker.WideSink) broker.Interest {
	w := &wide{engine: e, stream: e.streamOf(prefix), prefix: prefix, sink: sink}
	w.stream.want(limitsOf(r))
	e.wides.put(prefix, w)
	w.stream.whenKnown(w.begin)
	return w
}

// put enters an interest, or takes one out: nil.
func (ws *wides) put(prefix string, w *wide) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	set := maps.Clone(ws.all())
	if set == nil {
		set = make(map[string]*wide)
	}
	if set[prefix] = w; w == nil {
		delete(set, prefix)
	}
	ws.open.Store(&set)
}

func (ws *wides) all() map[string]*wide {
	if set := ws.open.Load(); set != nil {
		return *set
	}
	return nil
}

// cover tells whether an interest brings the channel.
func (ws *wides) cover(channel string) bool {
	set := ws.all()
	for i := 0; len(set) > 0 && i < len(channel); i++ {
		if channel[i] == ':' && set[channel[:i+1]] != nil {
			return true
		}
	}
	return false
}

// of finds whose subscription that is.
func (ws *wides) of(sub *nats.Subscription) *wide {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	return ws.bySub[sub]
}

// begin subscribes, and then asks where the stream is: what is published behind that arrives.
func (w *wide) begin(is *identity, err error) {
	if err != nil {
		w.answer(err)
		return
	}
	w.mu.Lock()
	if w.closed || w.is != nil && w.is.epoch == is.epoch {
		ready := w.ready
		w.mu.Unlock()
		if ready {
			w.answer(nil)
		}
		return
	}
	again := w.is != nil // the stream was lost, and nothing of the new one has come
	old := w.sub
	w.is, w.sub, w.ready, w.since, w.seen, w.sure = is, nil, false, math.MaxUint64, 0, 0
	if again {
		w.since = 0
	}
	w.mu.Unlock()
	w.listen(is, old)
	w.engine.endOf(w.stream, func(end uint64, err error) { w.located(is, end, again, err) })
}

// listen subscribes, in place of another subscription.
func (w *wide) listen(is *identity, old *nats.Subscription) {
	ws := &w.engine.wides
	w.engine.link.say(op{say: func(nc *nats.Conn) error {
		sub, err := nc.ChanSubscribe(is.out+coverOf(w.prefix), ws.messages)
		if err != nil {
			return err
		}
		ws.mu.Lock()
		ws.bySub[sub] = w
		ws.mu.Unlock()
		w.mu.Lock()
		wanted := w.is == is
		if wanted {
			w.sub = sub
		}
		w.mu.Unlock()
		if !wanted {
			return w.forget(sub)
		}
		return w.forget(old)
	}})
}

// forget ends a subscription; nil: there is none.
func (w *wide) forget(sub *nats.Subscription) error {
	if sub == nil {
		return nil
	}
	ws := &w.engine.wides
	ws.mu.Lock()
	delete(ws.bySub, sub)
	ws.mu.Unlock()
	return sub.Unsubscribe()
}

// located takes where the stream was behind the subscription. Logs that are live are fed from now on.
func (w *wide) located(is *identity, end uint64, again bool, err error) {
	w.mu.Lock()
	if w.is != is || w.ready {
		w.mu.Unlock()
		return
	}
	if err != nil {
		sub := w.sub
		w.is, w.sub = nil, nil // it begins anew when the positions are compared
		w.mu.Unlock()
		w.engine.link.say(op{say: func(*nats.Conn) error { return w.forget(sub) }})
		w.answer(err)
		return
	}
	w.ready = true
	if !again {
		w.since, w.sure, w.seen = end, end, max(w.seen, end)
	}
	w.mu.Unlock()
	for _, l := range w.logs() {
		l.feed()
	}
	if again {
		w.catchUp()
	}
	w.answer(nil)
}

// answer tells those who wait whether it is ready.
func (w *wide) answer(err error) {
	w.mu.Lock()
	waiting := w.waiting
	w.waiting = nil
	w.mu.Unlock()
	for _, done := range waiting {
		done(err)
	}
}

// Ready implements broker.Interest.
func (w *wide) Ready(done func(error)) {
	w.mu.Lock()
	ready := w.ready
	if !ready {
		w.waiting = append(w.waiting, done)
	}
	w.mu.Unlock()
	if ready {
		done(nil)
		return
	}
	w.stream.whenKnown(w.begin)
}

// Close implements broker.Interest. Logs that live for it only come to rest; others have subscribed by the time that this one ends.
func (w *wide) Close() {
	w.engine.wides.put(w.prefix, nil)
	w.mu.Lock()
	sub := w.sub
	w.is, w.sub, w.ready, w.closed = nil, nil, false, true
	w.mu.Unlock()
	for _, l := range w.logs() {
		l.wean()
	}
	w.engine.link.say(op{say: func(*nats.Conn) error { return w.forget(sub) }})
	w.answer(ErrClosed)
}

// logs are those that listen, or are fed, and that it covers.
func (w *wide) logs() (list []*log) {
	for i := range w.engine.dispatch {
		d := &w.engine.dispatch[i]
		d.mu.Lock()
		for _, l := range d.logs {
			if strings.HasPrefix(l.channel, w.prefix) {
				list = append(list, l)
			}
		}
		d.mu.Unlock()
	}
	return list
}
