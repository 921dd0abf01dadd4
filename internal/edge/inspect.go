package edge

import (
	"slices"
	"strings"
	"time"

	"github.com/wsedge/wsedge/internal/api"
	"github.com/wsedge/wsedge/internal/dialect/native"
	"github.com/wsedge/wsedge/internal/hub"
	"github.com/wsedge/wsedge/reactor"
)

// inspectTimeout bounds how long loops are waited for. A conn that ends meanwhile never answers, and is none to tell of.
const inspectTimeout = time.Second

// inspectable is a conversation that can be looked at, on the conn's loop.
type inspectable interface {
	inspect(c *reactor.Conn) api.Client
}

// inspectHere tells of connections of this node: each conversation tells of itself, on its loop. Those that do not within inspectTimeout are left out.
func (s *Server) inspectHere(t api.Target, most int) (clients []api.Client, more bool) {
	conns := s.conns(t)
	if len(conns) > most {
		conns, more = conns[:most], true
	}
	answers := make(chan api.Client, len(conns)) // nobody on a loop waits for us
	expected := 0
	for _, c := range conns {
		posted := c.Post(func(c *reactor.Conn) {
			if talk, ok := c.Context().(inspectable); ok {
				answers <- talk.inspect(c)
			}
		})
		if posted {
			expected++
		}
	}
	deadline := time.After(inspectTimeout)
	for range expected {
		select {
		case client := <-answers:
			clients = append(clients, client)
		case <-deadline:
			return clients, more
		}
	}
	slices.SortFunc(clients, func(a, b api.Client) int { return strings.Compare(a.ID, b.ID) })
	return clients, more
}

// inspected is what both dialects tell.
func (s *Server) inspected(c *reactor.Conn, number uint64, joined []*hub.Channel, m *member) api.Client {
	client := api.Client{
		ID: s.clients.id(number), ConnectedSeconds: int64(s.clients.age(number)), QueuedBytes: c.OutboundBytes(), ChannelCount: len(joined),
		Channels: make([]string, 0, min(len(joined), api.MaxClientChannels)),
	}
	if address := c.RemoteAddr(); address != nil {
		client.Address = address.String()
	}
	names := make([]string, 0, len(joined))
	for _, channel := range joined {
		names = append(names, channel.Name())
	}
	slices.Sort(names)
	client.Channels = append(client.Channels, names[:min(len(names), api.MaxClientChannels)]...)
	if m != nil && m.identity != nil && !m.identity.Anonymous() {
		left := int64(m.identity.Expires.Sub(s.config.now()) / time.Second)
		client.ExpiresIn = &left
	}
	return client
}

func (s *session) inspect(c *reactor.Conn) api.Client {
	client := s.server.inspected(c, s.number, s.joined, s.member)
	client.Dialect, client.User = native.Subprotocol, s.user()
	return client
}

func (s *rawSession) inspect(c *reactor.Conn) api.Client {
	client := s.server.inspected(c, s.number, s.joined, s.member)
	client.Dialect, client.User = "raw", userOf(s.member, s.visitor)
	return client
}
