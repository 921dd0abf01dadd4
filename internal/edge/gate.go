package edge

import (
	"container/heap"
	"context"
	"sync"
	"time"

	"github.com/wsedge/wsedge/internal/auth"
	"github.com/wsedge/wsedge/reactor"
)

// expiryTick is how often the gate looks whose token has expired. By the wall clock, which is what tokens are written by, so that a
// machine that slept does not let them live longer.
const expiryTick = 500 * time.Millisecond

// gate is what a server with authentication keeps: who verifies, and which conns a user, or a token, has here. Safe from any goroutine.
type gate struct {
	// Immutable.
	auth   *auth.Auth
	server *Server
	ending sync.WaitGroup

	// Guarded by mu.
	mu       sync.Mutex
	users    map[string]*member // the first of the user's
	tokens   map[string]*member // the first with the token's id
	leavers  map[*member]bool   // who subscribes by the leave of a subscription token
	expiries expiries
}

// expirable is a conversation with an identity that can end. All methods are called on the conn's loop.
type expirable interface {
	// expire looks at what has expired.
	expire(c *reactor.Conn)
	// recheck looks at what has been revoked.
	recheck(c *reactor.Conn)
	// eject ends the conversation: forced, or because its token was revoked.
	eject(c *reactor.Conn, revoked bool)
}

func newGate(s *Server, cfg auth.Config) (*gate, error) {
	a, err := auth.New(cfg, s.config.now)
	if err != nil {
		return nil, err
	}
	return &gate{auth: a, server: s, users: make(map[string]*member), tokens: make(map[string]*member), leavers: make(map[*member]bool)}, nil
}

// run starts what is done in the background until the server has ended; end waits for the end of that.
func (g *gate) run() {
	if g == nil {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	g.ending.Go(func() {
		<-g.server.done
		stop()
	})
	if g.server.revocations != nil {
		g.ending.Go(g.server.revocations.run)
	}
	g.ending.Go(func() {
		g.auth.Run(ctx, func(err error) { g.server.config.Logger.Warn("keys of the issuer not fetched", "error", err) })
	})
	g.ending.Go(func() {
		ticker := time.NewTicker(expiryTick)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				g.expire(g.server.config.now())
			case <-ctx.Done():
				return
			}
		}
	})
}

func (g *gate) end() {
	if g != nil {
		g.ending.Wait()
	}
}

// enter makes m findable by what identity it has now, instead of the one before, and has it told when that expires.
func (g *gate) enter(m *member, identity *auth.Identity) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.unlink(m)
	m.user.link(g.users, identity.User, m, userChain)
	m.token.link(g.tokens, identity.TokenID, m, tokenChain)
	if !identity.Anonymous() {
		g.schedule(m, identity.Expires)
	}
}

// leave forgets m.
func (g *gate) leave(m *member) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.unlink(m)
	delete(g.leavers, m)
	g.expiries.remove(m)
}

func (g *gate) unlink(m *member) {
	m.user.unlink(g.users, userChain)
	m.token.unlink(g.tokens, tokenChain)
}

// wake has m told at the time, unless it is told earlier already.
func (g *gate) wake(m *member, at time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.schedule(m, at)
}

func (g *gate) schedule(m *member, at time.Time) {
	switch unix := at.Unix(); {
	case m.heapIndex == 0:
		m.expires = unix
		heap.Push(&g.expiries, m)
	case unix < m.expires:
		m.expires = unix
		heap.Fix(&g.expiries, m.heapIndex-1)
	}
}

// expire tells all whose time has come by now. Each is told once, and asks to be told again.
func (g *gate) expire(now time.Time) {
	var due []*reactor.Conn
	g.mu.Lock()
	for len(g.expiries) > 0 && g.expiries[0].expires <= now.Unix() {
		due = append(due, heap.Pop(&g.expiries).(*member).conn)
	}
	g.mu.Unlock()
	for _, c := range due {
		c.Post(func(c *reactor.Conn) { c.Context().(expirable).expire(c) })
	}
}

// leaves remembers that m has a subscription token, which may be revoked.
func (g *gate) leaves(m *member) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.leavers[m] = true
}

// conns are those of a user or a token.
func (g *gate) conns(first map[string]*member, name string, by func(*member) *chain) (list []*reactor.Conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for m := first[name]; m != nil && name != ""; m = by(m).next {
		list = append(list, m.conn)
	}
	return list
}

// eject ends the conversations of conns by force, and returns how many they are.
func eject(conns []*reactor.Conn) int {
	for _, c := range conns {
		c.Post(func(c *reactor.Conn) {
			if talk, ok := c.Context().(expirable); ok {
				talk.eject(c, false)
			}
		})
	}
	return len(conns)
}

// enforce closes the connections whose tokens were revoked by any of those, which are in force, and returns how many they name. Who has come since with
// a newer token stays.
func (g *gate) enforce(revoked ...auth.Revocation) (named int) {
	g.recheck()
	for _, r := range revoked {
		conns := g.conns(g.tokens, r.Token, tokenChain)
		if r.User != "" {
			conns = g.conns(g.users, r.User, userChain)
		}
		named += len(conns)
		for _, c := range conns {
			c.Post(func(c *reactor.Conn) {
				talk, ok := c.Context().(expirable)
				if i := identityOf(talk); ok && i != nil && g.auth.Revoked(i.User, i.TokenID, i.Issued) {
					talk.eject(c, true)
				}
			})
		}
	}
	return named
}

// identityOf is who the client of a conversation is, by its token; nil where it has none.
func identityOf(talk expirable) *auth.Identity {
	var m *member
	switch talk := talk.(type) {
	case *session:
		m = talk.member
	case *rawSession:
		m = talk.member
	}
	if m == nil {
		return nil
	}
	return m.identity
}

// recheck has everybody with a subscription token look whether it still counts.
func (g *gate) recheck() {
	g.mu.Lock()
	conns := make([]*reactor.Conn, 0, len(g.leavers))
	for m := range g.leavers {
		conns = append(conns, m.conn)
	}
	g.mu.Unlock()
	for _, c := range conns {
		c.Post(func(c *reactor.Conn) { c.Context().(expirable).recheck(c) })
	}
}

// chain links the members of one user, or of one token.
type chain struct {
	name       string // "": of none
	prev, next *member
}

func userChain(m *member) *chain  { return &m.user }
func tokenChain(m *member) *chain { return &m.token }

// link puts m, whose chain it is, before the others of that name.
func (l *chain) link(first map[string]*member, name string, m *member, by func(*member) *chain) {
	if name == "" {
		return
	}
	l.name, l.next = name, first[name]
	if l.next != nil {
		by(l.next).prev = m
	}
	first[name] = m
}

func (l *chain) unlink(first map[string]*member, by func(*member) *chain) {
	if l.name == "" {
		return
	}
	if l.next != nil {
		by(l.next).prev = l.prev
	}
	switch {
	case l.prev != nil:
		by(l.prev).next = l.next
	case l.next != nil:
		first[l.name] = l.next
	default:
		delete(first, l.name)
	}
	*l = chain{}
}

// expiries is a heap of members, the next one first.
type expiries []*member

func (e expiries) Len() int           { return len(e) }
func (e expiries) Less(i, j int) bool { return e[i].expires < e[j].expires }
func (e expiries) Swap(i, j int) {
	e[i], e[j] = e[j], e[i]
	e[i].heapIndex, e[j].heapIndex = i+1, j+1
}

// Push implements heap.Interface.
func (e *expiries) Push(x any) {
	*e = append(*e, x.(*member))
	x.(*member).heapIndex = len(*e)
}

// Pop implements heap.Interface.
func (e *expiries) Pop() any {
	last := len(*e) - 1
	m := (*e)[last]
	(*e)[last] = nil
	*e = (*e)[:last]
	m.heapIndex = 0
	return m
}

func (e *expiries) remove(m *member) {
	if m.heapIndex > 0 {
		heap.Remove(e, m.heapIndex-1)
	}
}
