package client

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
)

const welcome = `{"type":"welcome","client":"c-0","ping":25,"node":"c"}`

// subscribed answers a subscribe.
func subscribed(c command, offset int, more string) string {
	return `{"type":"subscribed","id":` + strconv.Itoa(c.ID) + `,"channel":"` + c.Channel + `","epoch":"e","offset":` + strconv.Itoa(offset) + more + `}`
}

func TestGapsAreTold(t *testing.T) {
	c := conversation(t, func(_ int, p *peer) {
		p.say(welcome)
		p.say(subscribed(p.want("subscribe"), 1, ""))
		p.say(`{"type":"message","channel":"news","data":"a","offset":2}`)
		p.say(`{"type":"gap","channel":"news","after":2,"before":4}`)
		p.say(`{"type":"gap","channel":"news","after":3,"before":9,"refill":true}`)
		p.say(`{"type":"something","new":1}`)
		p.say(`{"type":"message","channel":"news","data":"b","offset":4,"prev":2}`)
		p.say(`{"type":"message","channel":"other","data":"not ours","offset":5}`)
		p.say(`{"type":"error","code":"odd","message":"of nothing"}`)
		p.say(`{"type":"unsubscribed","channel":"news","reason":"permission_denied"}`)
		p.stay()
	})
	r := follow(t, c, Tail{Channels: []string{"news"}})
	err := r.end()
	if got, want := strings.Join(r.all(), "|"), "a|! news: missed publication 3: they were not taken in time|b|! odd: of nothing"; got != want {
		t.Errorf("told %s", got)
	}
	if err == nil || err.Error() != "news: the server has ended the subscription: permission_denied" {
		t.Errorf("ended with %v", err)
	}
}

// A connection goes on from the last publication that was told, and what is told twice is told once.
func TestTheNextConnectionGoesOn(t *testing.T) {
	c := conversation(t, func(n int, p *peer) {
		p.say(welcome)
		subscribe := p.want("subscribe")
		if n == 0 {
			p.say(subscribed(subscribe, 5, ""))
			p.say(`{"type":"message","channel":"news","data":"the latest","offset":5}`)
			p.say(`{"type":"message","channel":"news","data":"a","offset":6}`)
			p.say(`{"type":"disconnect","code":3001,"reason":"shutdown","retry_after_ms":1}`)
			_ = p.conn.Close(3001, "shutdown")
			return
		}
		if r := subscribe.Recover; r == nil || *r != (Position{"e", 6}) {
			t.Errorf("recovers from %+v", r)
		}
		p.say(subscribed(subscribe, 8, `,"recovered":true`))
		p.say(`{"type":"message","channel":"news","data":"a","offset":6}`)
		p.say(`{"type":"message","channel":"news","data":"b","offset":7}`)
		p.stay()
	})
	r := follow(t, c, Tail{Channels: []string{"news"}})
	r.eventually("all", func() bool { return r.count("b") == 1 })
	got := r.all()
	if len(got) != 4 || got[0] != "the latest" || got[1] != "a" || !strings.HasPrefix(got[2], "! closed by the server: 3001 shutdown; trying again in ") {
		t.Errorf("told %q", got)
	}
}

// The server's own subscription, for the token's sake, has no position of ours: it is made anew. That happens once.
func TestSubscriptionsOfTheTokenAreMadeAnew(t *testing.T) {
	c := conversation(t, func(_ int, p *peer) {
		p.say(welcome)
		p.say(`{"type":"subscribed","channel":"news","epoch":"e","offset":3}`)
		p.say(`{"type":"message","channel":"news","data":"too early","offset":4}`)
		refuse := func(c command) {
			p.say(`{"type":"error","id":` + strconv.Itoa(c.ID) + `,"channel":"news","code":"already_subscribed","message":"m"}`)
		}
		refuse(p.want("subscribe"))
		p.say(`{"type":"unsubscribed","id":` + strconv.Itoa(p.want("unsubscribe").ID) + `,"channel":"news"}`)
		refuse(p.want("subscribe"))
		p.stay()
	})
	r := follow(t, c, Tail{Channels: []string{"news"}})
	if err := r.end(); err == nil || err.Error() != "news: already_subscribed: m" || len(r.all()) != 0 {
		t.Errorf("%v, told %q", err, r.all())
	}
}

func TestCommandsAreTriedAgain(t *testing.T) {
	c := conversation(t, func(_ int, p *peer) {
		p.say(welcome)
		p.say(`{"type":"error","id":` + strconv.Itoa(p.want("subscribe").ID) + `,"code":"rate","message":"m"}`)
		p.say(subscribed(p.want("subscribe"), 0, ""))
		p.say(`{"type":"message","channel":"news","data":"a","offset":1}`)
		p.stay()
	})
	r := follow(t, c, Tail{Channels: []string{"news"}})
	r.eventually("a", func() bool { return r.count("a") == 1 })
}

func TestTokensArePresentedAndRenewed(t *testing.T) {
	c := conversation(t, func(_ int, p *peer) {
		if got := p.request.Header.Get("Authorization"); got != "Bearer t1" {
			t.Errorf("Authorization %q", got)
		}
		p.say(`{"type":"welcome","client":"c","expires_in":1}`)
		p.say(subscribed(p.want("subscribe"), 0, ""))
		refresh := p.want("refresh")
		if refresh.Token != "t2" {
			t.Errorf("refresh with %q", refresh.Token)
		}
		p.say(`{"type":"refreshed","id":` + strconv.Itoa(refresh.ID) + `,"expires_in":1}`)
		p.say(`{"type":"message","channel":"news","data":"a","offset":1}`)
		p.stay()
	})
	var made atomic.Int64
	r := follow(t, c, Tail{Channels: []string{"news"}, Token: func() (string, error) { return "t" + strconv.FormatInt(min(made.Add(1), 2), 10), nil }})
	r.eventually("a", func() bool { return r.count("a") == 1 })
	r.eventually("no other token", func() bool { return r.count("! the token is about to expire") == 1 })
	wrong := errors.New("no token")
	if err := c.Tail(t.Context(), Tail{Channels: []string{"news"}, Token: func() (string, error) { return "", wrong }}); !errors.Is(err, wrong) {
		t.Error(err)
	}
}

// What the server says for good ends the tail, whether or not it was welcome before.
func TestClosesThatAreForGood(t *testing.T) {
	for code, want := range map[websocket.StatusCode]string{3503: "3503 forced", 3502: "3502 forced; give a token", 3500: "3500", 1009: "1009"} {
		c := conversation(t, func(_ int, p *peer) {
			if code == 3503 {
				p.say(welcome)
			}
			_ = p.conn.Close(code, "forced")
		})
		if err := follow(t, c, Tail{Channels: []string{"news"}}).end(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%d: %v", code, err)
		}
	}
	c := conversation(t, func(_ int, p *peer) { p.say("hello"); p.stay() })
	if err := follow(t, c, Tail{Channels: []string{"news"}}).end(); err == nil || !strings.Contains(err.Error(), "does not speak wsedge.v1") {
		t.Error(err)
	}
}

// What the server said before it went counts, also where we find out by what we can't say any more.
func TestTheLastWordIsHeard(t *testing.T) {
	gone := make(chan struct{})
	c := conversation(t, func(n int, p *peer) {
		if n > 0 {
			_ = p.conn.Close(3503, "it came back")
			return
		}
		p.say(welcome)
		const past = `,"channel":"news","epoch":"e","offset":1,"recovered":true,"publications":[`
		p.say(`{"type":"history","id":` + strconv.Itoa(p.want("history").ID) + past + `]}`)
		p.say(`{"type":"history","id":` + strconv.Itoa(p.want("history").ID) + past + `{"data":"a","offset":1}]}`)
		_ = p.conn.Close(3503, "forced")
		close(gone)
	})
	told := 0
	err := c.Tail(t.Context(), Tail{Channels: []string{"news"}, Since: &Since{All: true}, Notice: func(string) {},
		Message: func(*Message) error { told++; <-gone; return nil }})
	if err == nil || err.Error() != "closed by the server: 3503 forced" || told != 1 {
		t.Errorf("%v, %d told", err, told)
	}
}

// What cannot be written any more because the server has closed does not hide why it has.
func TestCloseWhileCommandsAreWritten(t *testing.T) {
	var names []string
	for i := range 500 {
		names = append(names, fmt.Sprint("c", i))
	}
	for range 10 {
		c := conversation(t, func(_ int, p *peer) {
			p.say(welcome)
			_ = p.conn.Close(3503, "forced")
		})
		if err := follow(t, c, Tail{Channels: names}).end(); err == nil || !strings.Contains(err.Error(), "3503 forced") {
			t.Fatal(err)
		}
	}
}

func TestHandshakesThatAreRefused(t *testing.T) {
	var tries atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "0")
		if tries.Add(1) == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = w.Write([]byte("connection_limit"))
			return
		}
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte("foreign_origin\n"))
	}))
	defer s.Close()
	r := follow(t, dial(t, s.URL), Tail{Channels: []string{"news"}})
	if err := r.end(); err == nil || err.Error() != "foreign_origin (HTTP 403)" {
		t.Error(err)
	}
	if r.count("! connection_limit (HTTP 503); trying again in ") != 1 {
		t.Errorf("told %q", r.all())
	}
}

// A server that is gone without a word does not answer pings, and one that says nothing at all is not welcome either.
func TestServersThatFallSilent(t *testing.T) {
	gone := make(chan struct{})
	defer close(gone)
	c := conversation(t, func(n int, p *peer) {
		if n == 0 {
			p.say(`{"type":"welcome","client":"c","ping":1}`)
			_ = p.want("subscribe")
			<-gone // reads nothing more, so answers no ping
			return
		}
		_ = p.conn.Close(3503, "seen")
	})
	c.pongTimeout = time.Millisecond
	if err := follow(t, c, Tail{Channels: []string{"news"}}).end(); err == nil || !strings.Contains(err.Error(), "seen") {
		t.Error(err)
	}
	mute := conversation(t, func(_ int, p *peer) { p.stay() })
	mute.timeout = 100 * time.Millisecond
	if err := follow(t, mute, Tail{Channels: []string{"news"}}).end(); err == nil || !strings.Contains(err.Error(), "no welcome within") {
		t.Error(err)
	}
}

// Who has enough says so: the server hears of a close code, not of a connection that broke.
func TestTheServerHearsThatWeGo(t *testing.T) {
	heard := make(chan websocket.StatusCode, 2)
	c := conversation(t, func(_ int, p *peer) {
		p.say(welcome)
		p.say(subscribed(p.want("subscribe"), 0, ""))
		p.say(`{"type":"message","channel":"news","data":"a","offset":1}`)
		_, _, err := p.conn.Read(p.request.Context())
		heard <- websocket.CloseStatus(err)
	})
	r := follow(t, c, Tail{Channels: []string{"news"}})
	r.eventually("a", func() bool { return r.count("a") == 1 })
	r.cancel()
	if err := r.end(); err != nil {
		t.Error(err)
	}
	err := c.Tail(t.Context(), Tail{Channels: []string{"news"}, Message: func(*Message) error { return ErrEnough }, Notice: func(line string) { t.Error(line) }})
	if err != nil {
		t.Error(err)
	}
	for range 2 {
		if code := <-heard; code != websocket.StatusNormalClosure {
			t.Errorf("heard %d", code)
		}
	}
}
