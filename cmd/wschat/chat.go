package main

import (
	"cmp"
	"context"
	"errors"
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
	everyone                        audience
	messages, pushes, limited, acks atomic.Int64

	mu      sync.Mutex // over the count and the notice of it, so that the last count that anybody gets is right
	members int
}

// audience is who gets the same messages: the members of a path, or of a room, which is there as long as somebody is in its topic.
type audience struct {
	path  *path
	room  string // "" for that of a path
	topic *reactor.Topic
}

// member is who is at the other end of a conn. It belongs to the conn's loop.
type member struct {
	*reactor.Conn
	path  *path
	id    int64
	spent float64   // of what it may send, in messages,
	at    time.Time // as of then
	room  audience  // where it is, on /rooms; without a topic: nowhere yet
	name  string    // there
}

// chat is the handler of all conns.
type chat struct {
	options
	server *reactor.Server
	paths  map[string]*path
	log    *pushLog
	ids    atomic.Int64
}

// start listens and returns. The heartbeats of /group end with ctx. The log is to be closed when the server has ended.
func start(ctx context.Context, o options) (ch *chat, err error) {
	ch = &chat{options: o, paths: map[string]*path{}}
	if ch.server, err = reactor.New(reactor.Config{
		Addr: o.addr, Handler: ch, HTTP: ch.web(), Upgrade: ch.upgrade, Origins: strings.Split(o.origins, ","), Logger: o.logger,
		MaxMessageBytes: 16 << 10,                            // a long chat message; what waits for members that do not read is bounded by reactor's defaults
		MaxFrameRate:    max(1000, cmp.Or(2*o.rate, 30_000)), // refused messages included: who goes on above it is cut off
		PingInterval:    o.ping, PongTimeout: o.ping, DrainSpread: 2 * time.Second,
	}); err != nil {
		return nil, err
	} else if ch.log, err = openPushLog(o.pushLog); err != nil {
		return nil, err
	}
	for _, name := range pathNames {
		p := &path{chat: ch, name: name, behaviour: behaviours[name]}
		p.everyone = audience{path: p, topic: ch.server.NewTopic(reactor.TopicOptions{})}
		ch.paths["/"+name] = p
	}
	ch.paths["/"] = ch.paths["/"+o.root]
	if err = ch.server.Start(); err != nil {
		return nil, errors.Join(err, ch.log.close())
	}
	go func() {
		for beat, ticks := encode(groupOutput{1, "心跳检测"}), time.Tick(o.beat); ; {
			select {
			case <-ticks:
				_, _ = ch.paths["/group"].everyone.topic.Broadcast(reactor.Text, beat) // one message for all; the next one says as much
			case <-ctx.Done():
				return
			}
		}
	}()
	return ch, nil
}

// upgrade lets in who names a path and brings the token.
func (ch *chat) upgrade(c *reactor.Conn, r *reactor.Request) (reactor.Accept, error) {
	p := ch.paths[string(r.Path)]
	switch {
	case p == nil:
		return reactor.Accept{}, &reactor.HandshakeError{Status: 404, Reason: "unknown_path"}
	case !ch.admits(string(r.Query), string(r.Get("Authorization"))):
		return reactor.Accept{}, &reactor.HandshakeError{Status: 401, Reason: "token", Header: "WWW-Authenticate: Bearer\r\n"}
	}
	return reactor.Accept{Context: &member{Conn: c, path: p, id: ch.ids.Add(1)}}, nil
}

// OnOpen welcomes a member.
func (ch *chat) OnOpen(c *reactor.Conn) {
	m := reactor.Context[*member](c)
	p := m.path
	if p.welcome != nil {
		m.tell(p.welcome(m))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = c.Subscribe(p.everyone.topic) // fails for a conn that is closing: then OnClose follows
	if p.members++; p.joined != nil {
		p.everyone.announce(p.joined(m, p.members), p.members, m)
	}
}

// OnMessage has its path see to what a member sends. Text and binary messages mean the same, as they do to the tutorials' servers.
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

// OnClose tells the others. The conn is in no topic any more.
func (ch *chat) OnClose(c *reactor.Conn, _ reactor.End) {
	m := reactor.Context[*member](c)
	p := m.path
	leaveRoom(m)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.members--; p.left != nil {
		p.everyone.announce(p.left(m, p.members), p.members, nil)
	}
}

// push sends v to everyone but except, which may be nil, and returns how many they are. The error is reactor.ErrBacklog: nobody gets it.
func (a audience) push(v any, except *reactor.Conn) (receivers int, err error) {
	text := encode(v)
	if receivers, err = a.topic.BroadcastExcept(except, reactor.Text, text); except != nil && receivers > 0 {
		receivers--
	}
	a.path.pushes.Add(1)
	a.path.chat.log.note(a, text, receivers, err)
	return receivers, err
}

// announce tells an audience of so many members who has left, or joined. Where they are too many, only the joiner is told, if there is one.
func (a audience) announce(notice output, members int, joiner *member) {
	if members > 0 && members <= a.path.chat.quietAbove {
		_, _ = a.push(notice, nil) // one that a flood has taken is in the push log
	} else if joiner != nil {
		joiner.tell(notice)
	}
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
