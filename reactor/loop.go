package reactor

import (
	"math/rand/v2"
	"time"

	"github.com/panjf2000/gnet/v2"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/pool"
	"github.com/wsedge/wsedge/tlsloop"
)

// maxLoops is far above any sensible number of event loops in one process.
const maxLoops = 256

// loop is what wsedge keeps beside one event loop of the engine.
//
// A turn is one call of the engine into the loop: input of one conn, or a wake-up. Whatever a turn gathers for a conn
// leaves at its end in one write.
type loop struct {
	// Immutable after newLoop.
	srv   *Server
	idx   int
	el    gnet.EventLoop
	owner owner
	ready chan struct{} // closed when the engine polls the loop's wake-ups

	inbox inbox // shared: guards itself
	stats loopStats

	// Owned by the loop.
	accepted  bool    // a connection was accepted since the last turn that served
	depth     int     // calls of the engine that are nested in the present turn
	wheel     wheel   // the deadlines of all conns
	corked    *Conn   // the conn whose input is being handled: its output is appended to cork
	cork      []byte  // ready wire bytes for corked
	arena     arena   // what the turn has gathered for other conns
	dirty     []*Conn // conns with something in the arena
	ended     []ended // conns whose OnClose is due at the end of the turn
	drops     []notedDrop
	runq      runQueue
	receipts  receipts               // open ones
	paused    map[*group]*time.Timer // groups that wait for the gap of their form to pass
	congested map[uint64]*Conn       // conns that wait to become writable, by token
	lastToken uint64
	wide      map[*Topic]connSet     // the members of a topic that are in a wide one as well; nil: there was none
	heads     map[*Conn]*partialHead // request heads that came in pieces
	announced map[*Conn]announcement // headers of the PROXY protocol that did
	peers     map[*Conn]peer         // of conns whose peer the engine does not know
	original  original               // the request that net/http has read, while it is being answered
	plain     frame.DecoderConfig    // for conns without compression
	deflated  frame.DecoderConfig    // for the others, without context takeover
	dialed    frame.DecoderConfig    // for conns that were dialed
	keys      *rand.ChaCha8          // of their masks; nil before the first
	takeovers map[*Conn]*takeover    // for those with
	deflaters [numClasses]*frame.Deflater
	request   frame.Request
	join      []byte // scratch: small frames joined into one write
	lastTick  time.Time
	stalled   bool // the clock is being held back until the next tick
	rng       *rand.Rand
	draining  *draining // nil: the server is not shutting down, or the loop has done its part

	tls          *tlsloop.Loop // nil: no TLS
	deliverPlain func([]byte)  // takePlain, made once
	head         []byte        // plaintext of a request under TLS, in the present turn
	sealed       []byte        // scratch: ciphertext
	cooling      []*Conn       // under TLS, and sent nothing but a ping in this turn
}

// ended is a conn that is no longer open and whose handler has not been told yet.
type ended struct {
	conn *Conn
	end  End
}

func newLoop(s *Server, idx int, el gnet.EventLoop, wakeFD int) *loop {
	l := &loop{
		srv: s, idx: idx, el: el, owner: currentOwner(), ready: make(chan struct{}),
		congested: make(map[uint64]*Conn),
		heads:     make(map[*Conn]*partialHead),
		announced: make(map[*Conn]announcement),
		peers:     make(map[*Conn]peer),
		takeovers: make(map[*Conn]*takeover),
		paused:    make(map[*group]*time.Timer),
		lastTick:  s.cfg.now(),
		rng:       rand.New(rand.NewPCG(rand.Uint64(), uint64(idx))),
	}
	l.inbox.wakeFD = wakeFD
	l.plain = decodingOf(&s.cfg)
	l.dialed = l.plain
	l.dialed.Role = frame.Client
	if s.cfg.Deflate != nil {
		l.deflated = decodingOf(&s.cfg)
		l.deflated.Inflater = frame.NewInflater()
	}
	if s.tls != nil {
		l.tls, l.deliverPlain = s.tls.NewLoop(), l.takePlain
	}
	l.wheel.now = 1 // 0 means no deadline
	return l
}

// decodingOf returns how messages are decoded that are not compressed.
func decodingOf(cfg *Config) frame.DecoderConfig {
	return frame.DecoderConfig{
		Role:            frame.Server,
		MaxMessageBytes: cfg.MaxMessageBytes,
		MaxFragments:    cfg.MaxFragments,
		NewBuffer:       func(size int) frame.Buffer { return pool.Get(size) },
	}
}

// check panics, in builds with the tag wsedge_debug, on any goroutine but the loop's own.
func (l *loop) check() { l.owner.check() }

// enter begins a call of the engine into the loop. The engine calls OnClose from within our own calls to it, so they nest.
func (l *loop) enter() {
	l.check()
	l.depth++
}

// exit ends it. The outermost one settles the turn: gathered output goes out, and the embedder is told of drops and of ended
// conns, which may gather more.
func (l *loop) exit() {
	if l.depth == 1 {
		for len(l.dirty) > 0 || len(l.drops) > 0 || len(l.ended) > 0 {
			l.flushDirty()
			l.tellDrops()
			l.tellEnded()
		}
		if len(l.receipts.served) > 0 {
			l.receipts.settle()
		}
		l.coolDown()
		l.arena.reset()
	}
	l.depth--
}

// traffic is the turn of one conn's input.
func (l *loop) traffic(c *Conn, in []byte) {
	l.enter()
	defer l.exit()
	l.stats.bytesIn.Add(int64(len(in)))
	if l.wheel.now != c.lastInbound {
		c.load.leak(&l.srv.cfg, l.wheel.now-c.lastInbound)
		c.lastInbound = l.wheel.now
	}
	answersPing := c.flags&flagAwaitingPong != 0
	c.flags &^= flagAwaitingPong
	l.corked = c
	if c.awaitsAnnouncement() {
		in = c.takeAnnouncement(in)
	}
	switch {
	case len(in) == 0:
	case c.flags&flagSealed == 0:
		c.inbound(in)
	default:
		c.unseal(in)
	}
	l.uncork()
	c.flushCipher()
	if answersPing && c.flags&flagSealed != 0 {
		l.cooling = append(l.cooling, c) // who says no more than pong is idle
	}
}

// advanceTLS is the turn of a conn whose handshake has gone on.
func (l *loop) advanceTLS(c *Conn) {
	if c.state >= stateHandedOver {
		return
	}
	l.corked = c
	c.unseal(nil)
	l.uncork()
	c.flushCipher()
}

// wakeUp is the turn of what other goroutines have posted, of the clock, and of publications still being served.
func (l *loop) wakeUp() {
	l.enter()
	defer l.exit()
	posts, tick := l.inbox.take()
	l.doAll(posts)
	if !tick.IsZero() {
		l.tick(tick)
	}
	l.serve()
}

// doAll carries out what was taken from the inbox.
func (l *loop) doAll(posts []post) {
	for i := range posts {
		l.do(&posts[i])
		if len(l.drops) > scratchMaxItems {
			l.tellDrops() // a publication that is dropped for a whole topic leaves a note for each member
		}
	}
	l.inbox.spare = emptied(posts)
}

// do carries out one post.
func (l *loop) do(p *post) {
	switch p.kind {
	case postPublication:
		l.accept(p)
	case postCall:
		if p.conn.state == stateOpen {
			l.call(p.conn, p.call)
		}
	case postSend:
		if p.conn.state == stateOpen {
			l.call(p.conn, p.call)
		}
		p.shared.Release()
	case postWritable:
		l.writable(p.seq)
	case postTLS:
		l.advanceTLS(p.conn)
	case postResume:
		p.group.paused = false
		delete(l.paused, p.group)
		if p.group.busy() || p.group.idle() { // an idle one is forgotten at its turn
			l.runq.push(p.group)
		}
	case postDrain:
		l.drainConns()
	case postAsk:
		p.call(nil)
	}
}

// allTokens asks for all congested conns to be tried.
const allTokens = 0

// writable goes on sending to the conn with that token, if it is still there.
func (l *loop) writable(token uint64) {
	if c := l.congested[token]; c != nil {
		c.drain()
	}
	if token == allTokens {
		for _, c := range l.congested {
			c.drain()
		}
	}
}

// call runs posted code for a conn.
func (l *loop) call(c *Conn, fn func(*Conn)) {
	defer c.recoverHandler()
	fn(c)
}

// tellEnded calls OnClose for every conn that has ended in this turn.
func (l *loop) tellEnded() {
	for i := 0; i < len(l.ended); i++ { // the handler may end more
		e := l.ended[i]
		l.stats.open.Add(-1)
		l.callClose(e.conn, e.end)
	}
	l.ended = emptied(l.ended)
}

func (l *loop) callClose(c *Conn, end End) {
	defer c.recoverHandler()
	l.srv.cfg.Handler.OnClose(c, end)
}

// tick moves the loop's clock and lets the deadlines that have come do their work. It has been waiting since that time.
//
// The clock counts the time that the loop has lived through. After a stall, of this loop or of the whole process, it
// does not jump: first everything that is readable gets its turn, then the stall counts as half a second, however long
// it was.
func (l *loop) tick(since time.Time) {
	now := l.srv.cfg.now()
	l.stats.lag.record(max(now.Sub(since), 0))
	elapsed := uint32(max(now.Sub(l.lastTick), 0) / tickPeriod)
	switch {
	case l.stalled:
		l.stalled = false
		l.lastTick = now
		elapsed = maxCatchUpTicks
	case elapsed > maxCatchUpTicks:
		l.stalled = true
		l.stats.stalls.Add(1)
		l.inbox.putTick(now) // its turn comes behind all that is readable now
		return
	default:
		l.lastTick = l.lastTick.Add(time.Duration(elapsed) * tickPeriod)
	}
	due := l.wheel.advance(elapsed)
	l.relieve()
	if l.tls != nil {
		l.tls.SetNow(l.wheel.now / uint32(ticksPerSecond))
	}
	for _, c := range due {
		if c.due == 0 && c.state != stateClosed {
			c.deadline()
		}
	}
	clear(due) // keeps no conn alive
	l.drainSlice()
}
