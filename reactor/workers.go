package reactor

import (
	"context"
	"sync"
)

// messageCost is what a waiting message costs in memory beside its payload, in bytes: 40 for the call, doubled because slices grow by doubling, and
// what an allocation rounds up.
const messageCost = 128

// connCost is what a conn whose OnOpen or OnClose waits costs, in bytes, for each of the two: a BlockingConn, its place in the map, the Conn, an End. Conns that
// come and go while the handler is stuck must not add up without a bound.
const connCost = 512

// workers is the Handler of a server with Config.Blocking: it queues what the loops tell it, and calls the BlockingHandler in an order
// that is each conn's own.
//
// A conn with anything waiting is in ready once, or one goroutine has it: that keeps its order. A goroutine takes one call of a conn and puts the conn
// behind the others: a conn that has much to say takes nobody's turn. Goroutines are started when there is work for them, and end when there is none.
type workers struct {
	// Immutable after newWorkers.
	srv     *Server
	handler BlockingHandler
	options WorkerOptions

	mu       sync.Mutex
	conns    map[*Conn]*BlockingConn // from OnOpen to the queueing of OnClose
	ready    []*BlockingConn         // have calls waiting and none running
	running  int                     // goroutines
	messages int64
	bytes    int64
	quiet    chan struct{} // closed when no goroutine is left; nil: nobody waits for that
}

func newWorkers(s *Server) *workers {
	return &workers{srv: s, handler: s.cfg.Blocking, options: s.cfg.Workers, conns: make(map[*Conn]*BlockingConn)}
}

// OnOpen implements Handler, on the conn's loop, as the others do. A conn that there is no room for ends, and the handler never hears of it.
func (w *workers) OnOpen(c *Conn) {
	if !w.open(c) {
		c.end(CauseInput)
	}
}

// open queues the first call if there is room for it.
func (w *workers) open(c *Conn) bool {
	b := &BlockingConn{Remote: c.Remote(), Context: c.Context(), RemoteAddr: c.RemoteAddr()}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.bytes+connCost > w.options.MaxBytes {
		return false
	}
	w.conns[c] = b
	w.bytes += connCost
	w.queue(b, call{kind: callOnOpen})
	return true
}

// knows reports whether the handler hears of a conn that is open.
func (w *workers) knows(c *Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.conns[c] != nil
}

// OnMessage copies the message, or ends the conn.
func (w *workers) OnMessage(c *Conn, op Opcode, payload []byte) {
	if !w.accept(c, op, payload) {
		c.end(CauseInput)
	}
}

// accept queues a message if there is room for it.
func (w *workers) accept(c *Conn, op Opcode, payload []byte) bool {
	size := int64(len(payload))
	w.mu.Lock()
	defer w.mu.Unlock()
	b := w.conns[c]
	if b.messages >= w.options.ConnMaxMessages || b.messages > 0 && b.bytes+size > w.options.ConnMaxBytes || w.bytes+size+messageCost > w.options.MaxBytes {
		return false
	}
	w.count(b, 1, size)
	w.queue(b, call{kind: callOnMessage, op: op, payload: append(make([]byte, 0, size), payload...)})
	return true
}

// OnClose queues the last call, which must have room: there is one for each conn that was opened.
func (w *workers) OnClose(c *Conn, end End) {
	w.mu.Lock()
	defer w.mu.Unlock()
	b := w.conns[c]
	if b == nil {
		return // there was no room for it
	}
	delete(w.conns, c)
	w.bytes += connCost
	w.queue(b, call{kind: callOnClose, end: &end})
}

// count adds to what waits, or takes from it. Under mu.
func (w *workers) count(b *BlockingConn, messages int, size int64) {
	b.messages += messages
	b.bytes += size
	w.messages += int64(messages)
	w.bytes += size + int64(messages)*messageCost
}

// queue puts a call behind those of its conn, and finds it a goroutine. Under mu.
func (w *workers) queue(b *BlockingConn, next call) {
	b.waiting = append(b.waiting, next)
	if b.scheduled {
		return
	}
	b.scheduled = true
	w.ready = append(w.ready, b)
	if w.running < w.options.Goroutines {
		w.running++
		go w.work()
	}
}

// work makes calls until there are none.
func (w *workers) work() {
	for {
		b, next, ok := w.take()
		if !ok {
			return
		}
		w.call(b, &next)
	}
}

// take returns the next call, or ends the goroutine's duty.
func (w *workers) take() (b *BlockingConn, next call, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.ready) == 0 {
		w.ready = nil
		w.running--
		if w.running == 0 && w.quiet != nil {
			close(w.quiet)
			w.quiet = nil
		}
		return nil, call{}, false
	}
	b, w.ready[0] = w.ready[0], nil
	w.ready = w.ready[1:]
	next, b.waiting[0] = b.waiting[0], call{}
	if b.waiting = b.waiting[1:]; len(b.waiting) == 0 {
		b.waiting = nil
	}
	return b, next, true
}

// settle gives back the room of a call that has returned, and puts its conn behind the others if it has more.
func (w *workers) settle(b *BlockingConn, done *call) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if done.kind == callOnMessage {
		w.count(b, -1, -int64(len(done.payload)))
	} else {
		w.bytes -= connCost
	}
	if b.scheduled = len(b.waiting) > 0; b.scheduled {
		w.ready = append(w.ready, b)
	}
}

// call calls the handler, and gives back the room of the call. Once that has panicked, or has ended its goroutine, the conn is told of its end alone.
func (w *workers) call(b *BlockingConn, next *call) {
	returned := false
	defer func() {
		p := recover()
		if !returned {
			b.failed = true
			w.srv.notePanic(p)
			b.Conn().Post(func(c *Conn) { c.end(CausePanic) })
		}
		w.settle(b, next)
		if !returned && p == nil { // runtime.Goexit, which a test's FailNow calls: another goroutine has to go on
			go w.work()
		}
	}()
	switch {
	case next.kind == callOnClose:
		w.handler.OnClose(b, *next.end)
	case b.failed:
	case next.kind == callOnOpen:
		w.handler.OnOpen(b)
	default:
		w.handler.OnMessage(b, next.op, next.payload)
	}
	returned = true
}

// wait returns when nothing runs any more, or ctx's error.
func (w *workers) wait(ctx context.Context) error {
	w.mu.Lock()
	if w.running == 0 {
		w.mu.Unlock()
		return nil
	}
	if w.quiet == nil {
		w.quiet = make(chan struct{})
	}
	quiet := w.quiet
	w.mu.Unlock()
	select {
	case <-quiet:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *workers) stats() WorkerStats {
	w.mu.Lock()
	defer w.mu.Unlock()
	return WorkerStats{Running: int64(w.running), Conns: int64(len(w.ready)), Messages: w.messages, Bytes: w.bytes}
}
