package main

import (
	"cmp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wsedge/wsedge/reactor"
)

// path is one of the servers that share the port.
type path struct {
	chat *chat
	name string
	behaviour
	everyone *audience

	messages, pushes, limited, acks atomic.Int64

	mu    sync.Mutex // over the rooms and who is in which: so that nobody enters a room that has just ended
	rooms map[string]*audience
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
	options
	server *reactor.Server
	paths  map[string]*path
	log    *pushLog
	done   chan struct{} // closed by stop
	ids    atomic.Int64
}

// start listens and returns.
func start(o options) (ch *chat, err error) {
	ch = &chat{options: o, paths: map[string]*path{}, done: make(chan struct{})}
	if ch.server, err = reactor.New(reactor.Config{
		Addr: o.addr, Handler: ch, HTTP: ch.web(), Upgrade: ch.upgrade, Origins: strings.Split(o.origins, ","), Logger: o.logger,
		MaxMessageBytes: 16 << 10,                            // a long chat message; what waits for members that do not read is bounded by reactor's defaults
		MaxFrameRate:    max(1000, cmp.Or(2*o.rate, 30_000)), // refused messages included: who goes on above it is cut off
		PingInterval:    o.ping, PongTimeout: o.ping, DrainSpread: 2 * time.Second,
	}); err != nil {
		return nil, err
	}
	if ch.log, err = openPushLog(o.pushLog); err != nil {
		return nil, err
	}
	for _, name := range pathNames {
		p := &path{chat: ch, name: name, behaviour: behaviours[name], rooms: map[string]*audience{}}
		p.everyone = p.newAudience("", p.notices)
		ch.paths["/"+name] = p
	}
	ch.paths["/"] = ch.paths["/"+o.root]
	if err := ch.server.Start(); err != nil {
		_ = ch.stop() // nothing has been logged
		return nil, err
	}
	go ch.beats()
	return ch, nil
}

// stop ends what start has begun beside the server, which must have ended.
func (ch *chat) stop() error {
	close(ch.done)
	return ch.log.close()
}

// beats sends the heartbeat of /group, one message for all members, until stop.
func (ch *chat) beats() {
	beat := encode(groupOutput{1, "心跳检测"})
	ticker := time.NewTicker(ch.beat)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			_, _ = ch.paths["/group"].everyone.topic.Broadcast(reactor.Text, beat) // the next one says as much
		case <-ch.done:
			return
		}
	}
}

var (
	errPath  = &reactor.HandshakeError{Status: 404, Reason: "unknown_path"}
	errToken = &reactor.HandshakeError{Status: 401, Reason: "token", Header: "WWW-Authenticate: Bearer\r\n"}
)

// upgrade lets in who names a path and brings the token.
func (ch *chat) upgrade(c *reactor.Conn, r *reactor.Request) (reactor.Accept, error) {
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
	m := reactor.Context[*member](c)
	if m.path.welcome != nil {
		m.tell(m.path.welcome(m))
	}
	m.path.everyone.enter(m)
}

// OnMessage implements reactor.Handler. Text and binary messages mean the same, as they do to the tutorials' servers.
func (ch *chat) OnMessage(c *reactor.Conn, _ reactor.Opcode, payload []byte) {
	m := reactor.Context[*member](c)
	m.path.messages.Add(1)
	in := input{Content: payload}
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
		m.path.message(m, in)
	}
}

// OnClose implements reactor.Handler.
func (ch *chat) OnClose(c *reactor.Conn, _ reactor.End) {
	m := reactor.Context[*member](c)
	if m.path.leave != nil {
		m.path.leave(m)
	}
	m.path.everyone.exit(m)
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
