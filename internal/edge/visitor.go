package edge

import (
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/internal/webhook"
	"github.com/wsedge/wsedge/reactor"
)

// visitor is what a backend with webhooks knows of a client: 128 B a connection, and what it said about the user. nil where there
// are no webhooks.
//
// Owned by the loop.
type visitor struct {
	// Immutable.
	hooks   *webhook.Client
	dialect string
	since   time.Time

	handshake *webhook.Occasion // what connect is asked with; nil once it has been answered
	user      string            // who the client is
	info      []byte            // what the backend says about it, JSON; nil: nothing
	deciding  bool              // the backend has not decided yet whether the client may come in
	inside    bool              // it may
	connect   *webhook.Question // how it was asked, until it has agreed
	turns     *turns            // nil while no command waits
	granted   *granted          // nil: nothing
}

// newVisitor remembers of a handshake what the backend is to be asked with.
func (s *Server) newVisitor(r *frame.Request, dialect string) *visitor {
	if s.hooks == nil {
		return nil
	}
	v := &visitor{hooks: s.hooks, dialect: dialect, since: time.Now()}
	if !s.hooks.Wants(webhook.Connect) {
		return v
	}
	v.handshake = &webhook.Occasion{Token: handshakeToken(r)}
	for _, name := range s.hooks.HeaderNames() {
		for value := range r.Values(name) {
			if v.handshake.Headers == nil {
				v.handshake.Headers = make(map[string][]string)
			}
			v.handshake.Headers[name] = append(v.handshake.Headers[name], string(value))
		}
	}
	return v
}

// handshakeToken is the token that a client came with: ?token=, or a bearer token (RFC 6750, section 2.1).
func handshakeToken(r *frame.Request) string {
	if query, err := url.ParseQuery(string(r.Query)); err == nil && query.Has("token") {
		return query.Get("token")
	}
	scheme, token, _ := strings.Cut(string(r.Get("Authorization")), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// ask asks about the client, and calls then on the loop, if the conn is still open.
func (v *visitor) ask(c *reactor.Conn, e webhook.Event, o *webhook.Occasion, then func(*reactor.Conn, webhook.Verdict)) *webhook.Question {
	o.User, o.Dialect = v.user, v.dialect
	return v.hooks.Ask(e, o, func(verdict webhook.Verdict) {
		c.Post(func(c *reactor.Conn) { then(c, verdict) })
	})
}

// enter asks whether a client may come in, and calls then on the loop. It is called again if the client turns out to be somebody else.
func (v *visitor) enter(c *reactor.Conn, client string, then func(*reactor.Conn, webhook.Verdict)) {
	o := &webhook.Occasion{Client: client, Address: host(c.RemoteAddr())}
	if v.handshake != nil {
		o.Headers = v.handshake.Headers
		if v.user == "" { // a token that has been verified here is nobody else's business
			o.Token = v.handshake.Token
		}
	}
	v.deciding = true
	v.connect = v.ask(c, webhook.Connect, o, func(c *reactor.Conn, verdict webhook.Verdict) {
		v.deciding = false
		switch {
		case verdict.Allow:
			v.inside, v.connect = true, nil
			v.info = verdict.Info
		case !verdict.Failed:
			v.inside, v.connect = false, nil // so the backend is not told of its end
		}
		v.handshake = nil
		then(c, verdict)
	})
}

// host is an address without its port; "" for one that has none.
func host(address net.Addr) string {
	if address == nil {
		return ""
	}
	host, _, err := net.SplitHostPort(address.String())
	if err != nil {
		return ""
	}
	return host
}

// gone tells the backend of the client's end, if it believes that the client is there, and forgets what the client waited for.
func (v *visitor) gone(client string, end reactor.End) {
	if v == nil {
		return
	}
	v.turns.drop()
	v.turns = nil
	ended := webhook.Ended{Client: client, User: v.user, Code: int(end.Code), Milliseconds: time.Since(v.since).Milliseconds()}
	if !end.Remote {
		ended.Reason = end.Reason
	}
	switch {
	case v.inside:
		v.hooks.Tell(ended)
	case v.connect != nil:
		v.connect.Abandon(func() { v.hooks.Tell(ended) })
	}
}

// farewell tells the backend of a conn that has ended. It comes before the conversation forgets its client.
func farewell(c *reactor.Conn, end reactor.End) {
	switch talk := c.Context().(type) {
	case *session:
		talk.guest().gone(talk.id(), end)
	case *rawSession:
		talk.visitor.gone(talk.server.clients.id(talk.number), end)
	}
}
