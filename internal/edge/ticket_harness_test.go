package edge

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/ticket"
)

// welcomed is what a welcome, or a ticket, says.
type welcomed struct {
	Type, Client, User, Ticket string
	Channels                   []string
}

// hearWelcome takes a welcome, or a ticket.
func (c *client) hearWelcome(kind string) (w welcomed) {
	c.t.Helper()
	text := c.hear()
	if err := json.Unmarshal([]byte(text), &w); err != nil || w.Type != kind {
		c.t.Fatalf("got %s, want %s", text, kind)
	}
	return w
}

// renewed has the server look who is due, as it would a while later, and takes the ticket that comes.
func (c *client) renewed(s *Server, after time.Duration) string {
	c.t.Helper()
	s.tickets.sweep(s.config.now().Add(after))
	return c.hearWelcome("ticket").Ticket
}

// comeBack says connect with a ticket, and with positions: channel, epoch, offset.
func comeBack(text string, positions ...any) string {
	m := map[string]broker.Position{}
	for p := range slices.Chunk(positions, 3) {
		m[p[0].(string)] = broker.Position{Epoch: p[1].(string), Offset: uint64(p[2].(int))}
	}
	var b strings.Builder
	for name, p := range m {
		fmt.Fprintf(&b, `,%q:{"epoch":%q,"offset":%d}`, name, p.Epoch, p.Offset)
	}
	return fmt.Sprintf(`{"type":"connect","id":"c","ticket":%q,"positions":{%s}}`, text, strings.TrimPrefix(b.String(), ","))
}

// ticketOf is the ticket of a client with a token that has subscribed to channels.
func ticketOf(t *testing.T, s *Server, token string, channels ...string) string {
	t.Helper()
	c := dial(t, s, "/ws", "")
	c.say(fmt.Sprintf(`{"type":"connect","ticket":true,"token":%q}`, token))
	text := c.hearWelcome("welcome").Ticket
	for _, name := range channels {
		c.say(fmt.Sprintf(`{"type":"subscribe","channel":%q}`, name))
		c.want(`{"type":"subscribed",*}`)
	}
	if len(channels) > 0 {
		text = c.renewed(s, ticketPause)
	}
	c.conn.Close()
	return text
}

// wantFallback wants a ticket to be refused, and a token to be taken instead of it.
func wantFallback(t *testing.T, s *Server, text, token string) {
	t.Helper()
	c := dial(t, s, "/ws", "")
	c.say(comeBack(text))
	c.want(`{"type":"error","id":"c","code":"unauthorized",*}`)
	c.say(fmt.Sprintf(`{"type":"connect","token":%q}`, token))
	c.want(`{"type":"welcome",*"user":"ann",*}`)
	c.conn.Close()
}

// sharedKeys are for several servers.
func sharedKeys(cfg Config, keys ...ticket.Key) Config {
	cfg.Tickets.Keys = keys
	return cfg
}
