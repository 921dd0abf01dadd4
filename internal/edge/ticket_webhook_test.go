package edge

import (
	"testing"
	"time"

	"github.com/wsedge/wsedge/internal/webhook"
)

// TestTicketAndBackend: a ticket carries no verdict of a backend, which is asked about the client and each channel again. What the client sends
// behind it waits for that.
func TestTicketAndBackend(t *testing.T) {
	b := startBackend(t)
	cfg := recoverable()
	cfg.Webhooks = b.config(webhook.Connect, webhook.Subscribe)
	s := startServer(t, cfg)
	token := mint(t, time.Now(), nil)
	c := dial(t, s, "/ws?ticket=1", "")
	c.say(`{"type":"connect","token":"`+token+`"}`, `{"type":"subscribe","channels":["a","b","c"]}`)
	b.agree(webhook.Connect)
	for range 3 {
		b.agree(webhook.Subscribe)
	}
	c.hearWelcome("welcome")
	for range 3 {
		c.want(`{"type":"subscribed",*}`)
	}
	text := c.renewed(s, ticketPause)
	c.conn.Close()

	back := dial(t, s, "/ws", "")
	back.say(comeBack(text), `{"type":"ping","id":1}`)
	b.asked(webhook.Connect).say <- `{"allow":true,"channels":["c"]}`
	back.want(`{"type":"welcome","id":"c",*"channels":["a","b","c"]}`)
	back.want(`{"type":"subscribed","channel":"c",*}`)
	for range 2 {
		switch q := b.asked(webhook.Subscribe); q.Channel {
		case "a":
			q.say <- `{"allow":true}`
		case "b":
			q.say <- `{"allow":false,"code":"closed"}`
		default:
			t.Errorf("asked about %q", q.Channel)
		}
	}
	back.want(`{"type":"subscribed","id":"c","channel":"a",*}`)
	back.want(`{"type":"error","id":"c","channel":"b","code":"closed",*}`)
	back.want(`{"type":"pong","id":1}`)
	back.say(`{"type":"subscribe","id":2,"channel":"a"}`)
	back.want(`{"type":"error","id":2,"channel":"a","code":"already_subscribed",*}`)
	next := back.renewed(s, ticketPause)

	refused := dial(t, s, "/ws", "")
	refused.say(comeBack(next))
	b.asked(webhook.Connect).say <- `{"allow":false,"code":"banned"}`
	refused.want(`{"type":"error","id":"c","code":"banned",*}`)
	refused.wantGoodbye(3507, "banned")
}

// TestTicketsAreNobodyElsesBusiness: a backend is not shown a ticket.
func TestTicketsAreNobodyElsesBusiness(t *testing.T) {
	b := startBackend(t)
	s := startServer(t, Config{Webhooks: b.config(webhook.Connect)})
	c := dial(t, s, "/ws?ticket=1", "")
	b.agree(webhook.Connect)
	text := c.hearWelcome("welcome").Ticket
	back := dial(t, s, "/ws", "")
	back.say(comeBack(text))
	if q := b.agree(webhook.Connect); q.Token != "" {
		t.Errorf("asked with %q", q.Token)
	}
	back.want(`{"type":"welcome","client":"*"*}`)
	back.want(`{"type":"welcome","id":"c",*"channels":[]}`)
}
