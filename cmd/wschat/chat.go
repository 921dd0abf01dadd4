package main

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/reactor"
)

// behaviour is what a path does with its members. All calls come from the member's loop.
type behaviour interface {
	open(m *member)
	message(m *member, in input)
	leave(m *member)
}

// behaviours makes the behaviour of each path.
var behaviours = map[string]func(p *path) behaviour{
	"node":   func(p *path) behaviour { return &node{p.newAudience("")} },
	"python": func(p *path) behaviour { return &python{p.newAudience("")} },
	"rooms":  func(p *path) behaviour { return &rooms{path: p, named: map[string]*audience{}} },
	"group":  newGroup,
}

var pathNames = slices.Sorted(maps.Keys(behaviours))

// path is one of the servers that share the port.
type path struct {
	chat *chat
	name string
	does behaviour

	// Shared: atomic.
	members, messages, pushes, limited, acks atomic.Int64
}

// member is who is at the other end of a conn. It belongs to the conn's loop.
type member struct {
	*reactor.Conn
	path  *path
	id    int64
	spent float64   // of what it may send, in messages,
	at    time.Time // as of then
	room  *audience // where it is, on /rooms; nil: nowhere yet
	name  string    // there
}

// chat is the handler of all conns.
type chat struct {
	// Immutable after start.
	options
	server *reactor.Server
	paths  map[string]*path
	log    *pushLog
	done   chan struct{} // closed by stop

	ids  atomic.Int64
	work sync.WaitGroup // what done ends
}

// start listens and returns.
func start(o options) (*chat, error) {
	ch := &chat{options: o, paths: map[string]*path{}, done: make(chan struct{})}
	var err error
	ch.server, err = reactor.New(reactor.Config{
		Addr: o.addr, Handler: ch, HTTP: ch.web(), Upgrade: ch.upgrade, Origins: strings.Split(o.origins, ","), Logger: o.logger,
		MaxMessageBytes: 16 << 10, // a long chat message; what waits for members that do not read is bounded by reactor's defaults
		PingInterval:    o.ping, PongTimeout: o.ping, DrainSpread: 2 * time.Second,
	})
	if err != nil {
		return nil, err
	}
	if ch.log, err = openPushLog(o.pushLog); err != nil {
		return nil, err
	}
	for _, name := range pathNames {
		p := &path{chat: ch, name: name}
		p.does = behaviours[name](p)
		ch.paths["/"+name] = p
	}
	ch.paths["/"] = ch.paths["/"+o.root]
	if err := ch.server.Start(); err != nil {
		_ = ch.stop() // nothing has been logged
		return nil, err
	}
	return ch, nil
}

// stop ends what start has begun beside the server, which must have ended.
func (ch *chat) stop() error {
	close(ch.done)
	ch.work.Wait()
	return ch.log.close()
}

var (
	errPath  = &frame.HandshakeError{Status: 404, Reason: "unknown_path"}
	errToken = &frame.HandshakeError{Status: 401, Reason: "token", Header: "WWW-Authenticate: Bearer\r\n"}
)

// upgrade lets in who names a path and brings the token.
func (ch *chat) upgrade(c *reactor.Conn, r *frame.Request) (reactor.Accept, error) {
	p := ch.paths[string(r.Path)]
	switch {
	case p == nil:
		return reactor.Accept{}, errPath
	case !ch.admits(string(r.Query), string(r.Get("Authorization"))):
		return reactor.Accept{}, errToken
	}
	return reactor.Accept{Context: &member{Conn: c, path: p, id: ch.ids.Add(1)}}, nil
}

// OnOpen implements reactor.Handler.
func (ch *chat) OnOpen(c *reactor.Conn) {
	m := c.Context().(*member)
	m.path.members.Add(1)
	m.path.does.open(m)
}

// OnMessage implements reactor.Handler. Text and binary messages mean the same, as they do to the tutorials' servers.
func (ch *chat) OnMessage(c *reactor.Conn, _ frame.Opcode, payload []byte) {
	m := c.Context().(*member)
	m.path.messages.Add(1)
	in := input{Type: "chat", Content: payload}
	if m.path.name != "group" { // which takes any text as it is
		in = decode(payload)
	}
	switch {
	case !m.spend(ch.rate, time.Now()):
		m.path.limited.Add(1)
		m.refuse("Rate limit exceeded", in.ID)
	case in.problem != "":
		m.refuse(in.problem, in.ID)
	default:
		m.path.does.message(m, in)
	}
}

// OnClose implements reactor.Handler.
func (ch *chat) OnClose(c *reactor.Conn, _ reactor.End) {
	m := c.Context().(*member)
	m.path.members.Add(-1)
	m.path.does.leave(m)
}

// spend takes one message of a budget of rate a second, two seconds' worth at most, or returns false: a token bucket.
func (m *member) spend(rate int, now time.Time) bool {
	m.spent, m.at = max(0, m.spent-now.Sub(m.at).Seconds()*float64(rate)), now
	if rate > 0 && m.spent+1 > float64(2*rate) {
		return false
	}
	m.spent++
	return true
}
