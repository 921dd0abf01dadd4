package edge

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/wsedge/wsedge/internal/auth"
	"github.com/wsedge/wsedge/internal/channel"
	"github.com/wsedge/wsedge/internal/ticket"
)

// byHand has a server look after tickets only when the test says so.
const byHand = time.Hour

// recoverable is authConfig with history.
func recoverable() Config {
	cfg := authConfig()
	cfg.ticketTick = byHand
	cfg.Namespaces.Default.HistorySize, cfg.Namespaces.Default.Recover = 10, true
	return cfg
}

func publishNews(t *testing.T, s *Server, data ...int) {
	t.Helper()
	for _, d := range data {
		if status, answer := call(t, s, "POST", "/api/publish", fmt.Sprintf(`{"channel":"news","data":%d}`, d), apiKey); status != 200 {
			t.Fatal(answer)
		}
	}
}

// TestTicket: one message brings back who a client is, its channels, and what it has missed in those of which it says where it was.
func TestTicket(t *testing.T) {
	var clock movableClock
	cfg := recoverable()
	cfg.now = clock.now
	s := startServer(t, cfg)
	c := dial(t, s, "/ws?ticket=1", "")
	c.say(fmt.Sprintf(`{"type":"connect","token":%q}`, mint(t, time.Now(), map[string]any{"exp": time.Now().Unix() + 7200})), `{"type":"subscribe","channels":["news","open:1"]}`)
	first := c.hearWelcome("welcome")
	if first.Ticket == "" || first.Channels != nil {
		t.Fatalf("welcome %+v", first)
	}
	_, epoch, _ := strings.Cut(c.hear(), `"epoch":"`)
	epoch, _, _ = strings.Cut(epoch, `"`)
	c.want(`{"type":"subscribed","channel":"open:1",*}`)
	text := c.renewed(s, ticketPause)
	c.conn.Close()
	publishNews(t, s, 1, 2, 3)

	back := dial(t, s, "/ws", "")
	back.say(comeBack(text, "news", epoch, 1), `{"type":"ping","id":9}`)
	back.want(`{"type":"welcome","id":"c","client":"*","user":"ann","ping":0,"node":"*","expires_in":*,"channels":["news","open:1"]}`)
	back.want(`{"type":"subscribed","id":"c","channel":"news","epoch":"` + epoch + `","offset":3,"recovered":true}`)
	back.want(`{"type":"message","channel":"news","data":2,"offset":2}`)
	back.want(`{"type":"message","channel":"news","data":3,"offset":3}`)
	back.want(`{"type":"subscribed","id":"c","channel":"open:1","epoch":"*","offset":0}`)
	back.want(`{"type":"pong","id":9}`)
	publishNews(t, s, 4)
	back.want(`{"type":"message","channel":"news","data":4,"offset":4}`)
	back.say(comeBack(text))
	back.want(`{"type":"error","id":"c","code":"bad_request","message":"already connected*}`)

	// What the ticket says is what there is: no other comes before it is old.
	s.tickets.sweep(time.Now().Add(ticketPause))
	back.idle()
	clock.add(latestRenewal)
	if again := back.renewed(s, 0); again == text || again == "" {
		t.Error("no new ticket at half its life")
	}
	if n, m := s.tickets.issued.Load(), s.tickets.taken.Load(); n != 3 || m != 1 {
		t.Errorf("%d issued, %d taken", n, m)
	}
}

// TestTicketsAreForWhoAsks: others see nothing of them, and cost nothing.
func TestTicketsAreForWhoAsks(t *testing.T) {
	s := startServer(t, Config{ticketTick: byHand})
	c := greet(t, s)
	c.say(`{"type":"connect","id":1}`, `{"type":"connect","id":2,"ticket":false}`)
	c.want(`{"type":"welcome","id":1,*}`)
	if text := c.hear(); strings.Contains(text, "ticket") {
		t.Errorf("not asked for: %s", text)
	}
	c.subscribe("a")
	s.tickets.sweep(time.Now().Add(2 * ticket.Life))
	c.idle()
	if s.tickets.issued.Load() != 0 {
		t.Error("a ticket was made")
	}
	c.say(`{"type":"connect","ticket":true}`)
	if c.hearWelcome("welcome").Ticket == "" {
		t.Error("asked for, and not given")
	}
	if size := unsafe.Sizeof(holder{}); size > 88 {
		t.Errorf("a holder has %d bytes", size)
	}
}

// TestTicketsAreCoalesced: many commands make one ticket, of what is left in the end.
func TestTicketsAreCoalesced(t *testing.T) {
	clock := newStillClock()
	s := startServer(t, Config{ticketTick: byHand, now: clock.Now})
	c := dial(t, s, "/ws?ticket=1", "")
	if w := c.hearWelcome("welcome"); w.Ticket == "" {
		t.Fatal("no ticket in the welcome")
	}
	for i := range 50 {
		c.subscribe(fmt.Sprintf("c%d", i))
	}
	c.say(`{"type":"unsubscribe","channel":"c7"}`)
	c.want(`{"type":"unsubscribed",*}`)
	s.tickets.sweep(clock.Now()) // it is too soon after the first
	c.idle()
	text := c.renewed(s, ticketPause)
	s.tickets.sweep(clock.Now().Add(ticketPause))
	c.idle()

	c.say(`{"type":"unsubscribe","channel":"c8"}`, `{"type":"subscribe","channel":"c8"}`)
	c.want(`{"type":"unsubscribed",*}`)
	c.want(`{"type":"subscribed",*}`)
	s.tickets.sweep(clock.Now().Add(2 * ticketPause))
	c.idle() // it would say the same

	back := dial(t, s, "/ws", "")
	back.want(`{"type":"welcome",*}`) // nobody has to say who they are
	back.say(comeBack(text))
	w := back.hearWelcome("welcome")
	if len(w.Channels) != 49 || strings.Contains(strings.Join(w.Channels, " "), "c7") {
		t.Errorf("back in %v", w.Channels)
	}
	for range w.Channels {
		back.want(`{"type":"subscribed","id":"c",*}`)
	}
	back.idle()
}

// TestForgedTickets: whatever is wrong with a ticket, its client may still show a token, and goes on trying in vain.
func TestForgedTickets(t *testing.T) {
	s := startServer(t, recoverable())
	token := mint(t, time.Now(), nil)
	good := ticketOf(t, s, token, "news")
	other := startServer(t, recoverable())
	raw, err := base64.RawURLEncoding.DecodeString(good)
	if err != nil {
		t.Fatal(err)
	}
	forged := []string{"x", strings.Repeat("A", ticket.MaxBytes), strings.Repeat("A", ticket.MaxBytes+4), token, ticketOf(t, other, token, "news"), good + "A", good[1:]}
	for i := range raw {
		changed := append([]byte(nil), raw...)
		changed[i] ^= 1 << (i % 8)
		forged = append(forged, base64.RawURLEncoding.EncodeToString(changed))
	}
	for i := range good {
		forged = append(forged, good[:max(i, 1)], good[:i]+"_"+good[i:])
	}
	if len(forged) < 300 {
		t.Errorf("only %d were tried", len(forged))
	}
	for i, text := range forged {
		if i < 8 {
			wantFallback(t, s, text, token)
		}
		if _, reason := s.openTicket(text); reason == "" {
			t.Fatalf("%q was taken", text)
		}
	}
	c := dial(t, s, "/ws", "")
	for _, text := range forged[:maxStrikes] {
		c.say(comeBack(text))
		c.want(`{"type":"error","id":"c","code":"unauthorized",*}`)
	}
	c.wantGoodbye(3501, "bad_request")
	if n := s.tickets.taken.Load(); n != 0 {
		t.Errorf("%d were taken", n)
	}
}

// TestTicketKeys goes through a rotation on two nodes by reloads.
func TestTicketKeys(t *testing.T) {
	old, fresh := ticket.NewKey(), ticket.NewKey()
	a, b := startServer(t, sharedKeys(recoverable(), old)), startServer(t, sharedKeys(recoverable(), old))
	token := mint(t, time.Now(), nil)
	both := func() {
		t.Helper()
		for _, pair := range [][2]*Server{{a, b}, {b, a}, {a, a}} {
			back := dial(t, pair[1], "/ws", "")
			back.say(comeBack(ticketOf(t, pair[0], token, "news")))
			back.want(`{"type":"welcome",*"user":"ann",*"channels":["news"]}`)
			back.want(`{"type":"subscribed",*}`)
			back.conn.Close()
		}
	}
	both()
	made := ticketOf(t, a, token, "news")
	reload := func(s *Server, keys ...ticket.Key) {
		t.Helper()
		if err := s.Reconfigure(sharedKeys(recoverable(), keys...)); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range [][]ticket.Key{{old, fresh}, {fresh, old}} {
		for _, s := range []*Server{a, b} {
			reload(s, step...)
			both()
		}
	}
	if _, reason := a.openTicket(made); reason != "" {
		t.Errorf("an old ticket: %s", reason)
	}
	reload(a, fresh)
	reload(b, fresh)
	both()
	wantFallback(t, a, made, token)
	if n := a.tickets.refused[ticket.ReasonUnknownKey].Load(); n != 1 {
		t.Errorf("%d counted", n)
	}
	off := recoverable()
	off.Tickets.Off = true
	if err := a.Reconfigure(off); err != nil {
		t.Fatal(err)
	}
	wantFallback(t, a, ticketOf(t, b, token, "news"), token)
	off.Tickets.Keys = []ticket.Key{old}
	if err := a.Reconfigure(off); err == nil {
		t.Error("keys and no tickets: taken")
	}
}

// TestTicketDoesNotOutlive: what has happened since a ticket was made counts.
func TestTicketDoesNotOutlive(t *testing.T) {
	var clock movableClock
	cfg := recoverable()
	cfg.now = clock.now
	s := startServer(t, cfg)
	refused := func(text string, code int, reason string) {
		t.Helper()
		c := dial(t, s, "/ws", "")
		c.say(comeBack(text))
		c.want(fmt.Sprintf(`{"type":"disconnect","code":%d,"reason":%q*}`, code, reason))
	}
	manage := func(path, body string) {
		t.Helper()
		if status, answer := call(t, s, "POST", path, body, apiKey); status != 200 {
			t.Fatal(answer)
		}
	}
	token := mint(t, clock.now(), map[string]any{"jti": "one"})
	text := ticketOf(t, s, token, "news")
	manage("/api/revoke", `{"token":"one"}`)
	refused(text, 3500, "token_revoked")

	text = ticketOf(t, s, mint(t, clock.now(), nil), "news")
	clock.add(601 * time.Second)
	if _, reason := s.openTicket(text); reason != "" {
		t.Errorf("the ticket itself: %s", reason)
	}
	clock.add(10 * time.Second)
	refused(text, 3500, "token_expired")

	text = ticketOf(t, s, mint(t, clock.now(), map[string]any{"exp": clock.now().Unix() + 7200}), "news")
	clock.add(ticket.Life)
	wantFallback(t, s, text, mint(t, clock.now(), nil))

	text = ticketOf(t, s, mint(t, clock.now(), map[string]any{"iat": clock.now().Unix() - 10}), "news")
	manage("/api/revoke", `{"user":"ann"}`)
	refused(text, 3500, "token_revoked")
}

// TestTicketOfADisconnectedClient: the API's word ends the tickets of a client, and not its token.
func TestTicketOfADisconnectedClient(t *testing.T) {
	s := startServer(t, recoverable())
	token := mint(t, time.Now(), nil)
	disconnect := func(id string, want int) {
		t.Helper()
		if status, answer := call(t, s, "POST", "/api/disconnect", fmt.Sprintf(`{"client":%q}`, id), apiKey); status != 200 || answer != fmt.Sprintf(`{"disconnected":%d}`, want) {
			t.Fatal(answer)
		}
	}
	open := func(m string) (*client, welcomed) {
		c := dial(t, s, "/ws?ticket=1", "")
		c.say(m)
		return c, c.hearWelcome("welcome")
	}
	here, first := open(fmt.Sprintf(`{"type":"connect","token":%q}`, token))
	disconnect(first.Client, 1)
	here.wantGoodbye(3503, "forced")
	wantFallback(t, s, first.Ticket, token)

	away, second := open(fmt.Sprintf(`{"type":"connect","token":%q}`, token))
	away.say(`{"type":"subscribe","channel":"news"}`)
	away.want(`{"type":"subscribed",*}`)
	later := away.renewed(s, ticketPause)
	back, third := open(comeBack(later)) // by the ticket of the second, which is another connection's then
	back.want(`{"type":"subscribed",*}`)
	disconnect(third.Client, 1)
	back.wantGoodbye(3503, "forced")
	wantFallback(t, s, later, token)
	wantFallback(t, s, second.Ticket, token)

	away.conn.Close()
	_, fourth := open(fmt.Sprintf(`{"type":"connect","token":%q}`, token))
	disconnect("elsewhere-1", 0)
	if _, reason := s.openTicket(fourth.Ticket); reason != "" {
		t.Errorf("another's: %s", reason)
	}
}

// TestTicketAndPermissions: channels are judged as they are now, each for itself.
func TestTicketAndPermissions(t *testing.T) {
	s := startServer(t, recoverable())
	token := mint(t, time.Now(), map[string]any{
		"channels": []string{"none:given"}, "grants": []map[string]any{{"channel": "token:*", "allow": []string{"subscribe"}}}, "info": map[string]int{"a": 1}})
	c := dial(t, s, "/ws?ticket=1", "")
	leave := mint(t, time.Now(), map[string]any{"channel": "token:b", "jti": "leave"})
	c.say(fmt.Sprintf(`{"type":"connect","token":%q}`, token), `{"type":"subscribe","channels":["news","open:1","token:a","user#ann"]}`)
	id := c.hearWelcome("welcome").Client
	for range 5 {
		c.want(`{"type":"subscribed",*}`)
	}
	plain := dial(t, s, "/ws?ticket=1", "")
	plain.say(fmt.Sprintf(`{"type":"connect","token":%q}`, mint(t, time.Now(), nil)), fmt.Sprintf(`{"type":"subscribe","channel":"token:b","token":%q}`, leave))
	plain.hearWelcome("welcome")
	plain.want(`{"type":"subscribed",*}`)
	call(t, s, "POST", "/api/subscribe", fmt.Sprintf(`{"client":%q,"channel":"none:api"}`, id), apiKey)
	c.want(`{"type":"subscribed","channel":"none:api",*}`)
	s.tickets.sweep(time.Now().Add(ticketPause))
	text, proved := c.hearWelcome("ticket").Ticket, plain.hearWelcome("ticket").Ticket

	back := dial(t, s, "/ws", "")
	back.say(comeBack(text))
	back.want(`{"type":"welcome",*"channels":["news","open:1","token:a","user#ann"]}`)
	back.want(`{"type":"subscribed","channel":"none:given",*}`)
	for _, name := range []string{"news", "open:1", "token:a", "user#ann"} {
		back.want(`{"type":"subscribed","id":"c","channel":"` + name + `",*}`)
	}
	back.conn.Close()
	back = dial(t, s, "/ws", "")
	back.say(comeBack(proved))
	back.want(`{"type":"welcome",*"channels":["token:b"]}`)
	back.want(`{"type":"subscribed","id":"c","channel":"token:b",*}`)
	call(t, s, "POST", "/api/revoke", `{"token":"leave"}`, apiKey)
	back.want(`{"type":"unsubscribed","channel":"token:b","reason":"revoked"}`)
	back = dial(t, s, "/ws", "")
	back.say(comeBack(proved))
	back.want(`{"type":"welcome",*}`)
	back.want(`{"type":"error","id":"c","channel":"token:b","code":"permission_denied",*}`)
	if next := back.renewed(s, ticketPause); next == proved {
		t.Error("the ticket still names what it could not have")
	}

	closed := recoverable()
	closed.Namespaces.ByName["open"] = &channel.Options{}
	closed.ChannelsPerConn = 3
	if err := s.Reconfigure(closed); err != nil {
		t.Fatal(err)
	}
	back = dial(t, s, "/ws", "")
	back.say(comeBack(text))
	back.want(`{"type":"welcome",*}`)
	back.want(`{"type":"subscribed","channel":"none:given",*}`)
	back.want(`{"type":"subscribed","id":"c","channel":"news",*}`)
	back.want(`{"type":"error","id":"c","channel":"open:1","code":"permission_denied",*}`)
	back.want(`{"type":"subscribed","id":"c","channel":"token:a",*}`)
	back.want(`{"type":"error","id":"c","channel":"user#ann","code":"limit",*}`)
}

// TestTicketOfTheTokensChannels: what the server subscribes a client to is recovered, too.
func TestTicketOfTheTokensChannels(t *testing.T) {
	s := startServer(t, recoverable())
	c := dial(t, s, "/ws?ticket=1", "")
	c.say(fmt.Sprintf(`{"type":"connect","token":%q}`, mint(t, time.Now(), map[string]any{"channels": []string{"news"}})))
	text := c.hearWelcome("welcome").Ticket
	_, epoch, _ := strings.Cut(c.hear(), `"epoch":"`)
	epoch, _, _ = strings.Cut(epoch, `"`)
	publishNews(t, s, 1, 2)
	back := dial(t, s, "/ws", "")
	back.say(comeBack(text, "news", epoch, 1))
	back.want(`{"type":"welcome",*"channels":[]}`)
	back.want(`{"type":"subscribed","channel":"news","epoch":"*","offset":2,"recovered":true}`)
	back.want(`{"type":"message","channel":"news","data":2,"offset":2}`)
}

// TestAnonymousTickets: who was let in without a token is, for as long as that is allowed.
func TestAnonymousTickets(t *testing.T) {
	cfg := recoverable()
	cfg.Auth.Anonymous = true
	s := startServer(t, sharedKeys(cfg, ticket.Key{1, 2, 3}))
	c := dial(t, s, "/ws?ticket=1", "")
	c.hearWelcome("welcome")
	c.subscribe("open:1")
	text := c.renewed(s, ticketPause)
	back := dial(t, s, "/ws", "")
	back.want(`{"type":"welcome",*}`)
	back.say(comeBack(text))
	back.want(`{"type":"welcome","id":"c",*"channels":["open:1"]}`)
	back.want(`{"type":"subscribed","id":"c","channel":"open:1",*}`)
	known := ticketOf(t, startServer(t, sharedKeys(recoverable(), ticket.Key{1, 2, 3})), mint(t, time.Now(), nil), "news")
	back.say(comeBack(known))
	back.want(`{"type":"welcome","id":"c",*"user":"ann",*"channels":["news"]}`)
	back.want(`{"type":"subscribed","id":"c","channel":"news",*}`)

	strict := startServer(t, sharedKeys(recoverable(), ticket.Key{1, 2, 3}))
	wantFallback(t, strict, text, mint(t, time.Now(), nil))
	foreign := recoverable()
	foreign.Auth.Audience = "somebody else"
	if _, reason := startServer(t, sharedKeys(foreign, ticket.Key{1, 2, 3})).openTicket(known); reason != ticket.ReasonForged {
		t.Errorf("with another audience: %q", reason)
	}
	if _, reason := startServer(t, sharedKeys(Config{}, ticket.Key{1, 2, 3})).openTicket(known); reason != ticket.ReasonForged {
		t.Errorf("without authentication: %q", reason)
	}
}

// TestTicketLimits: a user's connections are bounded, and positions are.
func TestTicketLimits(t *testing.T) {
	cfg := recoverable()
	cfg.Limits.ConnsPerUser, cfg.ChannelsPerConn = 1, 2
	s := startServer(t, cfg)
	token := mint(t, time.Now(), nil)
	c := dial(t, s, "/ws?ticket=1", "")
	c.say(fmt.Sprintf(`{"type":"connect","token":%q}`, token))
	text := c.hearWelcome("welcome").Ticket
	second := dial(t, s, "/ws", "")
	second.say(comeBack(text, "a", "x", 1, "b", "x", 1, "c", "x", 1))
	second.want(`{"type":"error","id":"c","code":"limit",*}`)
	second.say(comeBack(text, "a", "x", 1, "b", "x", 1))
	second.wantGoodbye(3504, "user_connections")
}

func TestRecheckOfLifetime(t *testing.T) {
	s := startServer(t, recoverable())
	text := ticketOf(t, s, mint(t, time.Now(), nil), "news")
	short := recoverable()
	short.Auth.MaxTTL = time.Minute
	if err := s.Reconfigure(short); err != nil {
		t.Fatal(err)
	}
	c := dial(t, s, "/ws", "")
	c.say(comeBack(text))
	c.wantGoodbye(3500, "invalid_token")
	if n := s.gate.auth.Stats().Rejected[auth.ReasonLifetime]; n != 1 {
		t.Errorf("%d counted", n)
	}
}
