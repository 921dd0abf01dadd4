package edge

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/internal/channel"
	"github.com/wsedge/wsedge/internal/flight"
	"github.com/wsedge/wsedge/reactor"
)

// told is what /api/why answers of one connection.
type told struct {
	Client, State, Verdict, Reason, By, Error, User, Dialect string
	Code, Forgotten                                          int
	Events                                                   []struct {
		Event, Channel, Code, Reason string
		Count, Bytes                 int
	}
}

// happened are the events' names, in order.
func (w *told) happened() string {
	var names []string
	for _, e := range w.Events {
		names = append(names, e.Event)
	}
	return strings.Join(names, " ")
}

// ask asks why, by a JSON object.
func ask(t testing.TB, s *Server, body string) []told {
	t.Helper()
	status, answer := call(t, s, "POST", "/api/why", body, apiKey)
	var r struct{ Clients []told }
	if err := json.Unmarshal([]byte(answer), &r); err != nil || status != http.StatusOK {
		t.Fatalf("%d %s", status, answer)
	}
	return r.Clients
}

// whyClosed waits until the client's record has ended, and returns it.
func whyClosed(t *testing.T, s *Server, id string) (w told) {
	t.Helper()
	eventually(t, "the end of "+id, func() bool {
		list := ask(t, s, `{"client":"`+id+`"}`)
		if len(list) == 1 {
			w = list[0]
		}
		return w.State == "closed"
	})
	return w
}

// Each way in which a connection ends is told from the others, in words.
func TestWhy(t *testing.T) {
	on := FlightRecorder{Enabled: true}
	for _, row := range []struct {
		name    string
		cfg     Config
		end     func(t *testing.T, s *Server, c *client)
		by      string
		verdict string
		events  string // a pattern of the last ones
	}{
		{"slow", Config{OutboundMaxBytes: 50_000, OutboundMaxAge: patience}, func(t *testing.T, s *Server, c *client) {
			c.subscribe("news")
			flood(t, s, "news", func() bool { return s.clients.count() == 0 })
		}, "server", "closed by the server with 3008 slow: * KiB waited, the oldest of it for * s; last heard from * s before", "welcomed subscribed * congested ending dropped"},
		{"slow by age", Config{OutboundMaxAge: 200 * time.Millisecond}, func(t *testing.T, s *Server, c *client) {
			c.subscribe("news")
			// it may be gone between two looks
			flood(t, s, "news", func() bool { return s.reactor.Stats().Congested > 0 || s.clients.count() == 0 })
		}, "server", "closed by the server with 3008 slow: * waited, the oldest of it for * s; last heard from * s before", "welcomed subscribed congested ending*"},
		{"no pong", Config{PingInterval: 300 * time.Millisecond, PongTimeout: 300 * time.Millisecond}, func(*testing.T, *Server, *client) {},
			"server", "closed by the server with 3012 no_pong: a ping was not answered in time; last heard from * s before", "welcomed pinged ending"},
		{"frame rate", Config{MaxFrameRate: 10}, func(_ *testing.T, _ *Server, c *client) {
			c.say(strings.Split(strings.Repeat(`{"type":"ping"} `, 30), " ")[:30]...)
		}, "server", "closed by the server with 3013 frame_rate: it sent more frames a second than it may", "welcomed ending"},
		{"refused too often", Config{Limits: Limits{MessageRate: 1}, now: newStillClock().Now}, func(_ *testing.T, _ *Server, c *client) {
			c.say(strings.Split(strings.Repeat(`{"type":"ping"} `, 150), " ")[:150]...)
		}, "server", "closed by the server with 3013 message_rate: it went on sending too many messages after it had been refused; the last refusal before: rate, 101 times in a row", "welcomed refused"},
		{"bad messages", Config{}, func(_ *testing.T, _ *Server, c *client) {
			c.say(strings.Split(strings.Repeat("{ ", 10), " ")[:10]...)
		}, "server", "closed by the server with 3501 bad_request: too many of its messages were bad; the last refusal before: bad_json, 10 times in a row", "welcomed refused"},
		{"binary", Config{}, func(_ *testing.T, _ *Server, c *client) {
			c.write(frame.AppendMaskedFrame(nil, frame.OpBinary, []byte("x"), maskKey))
		}, "server", "closed by the server with 1003 text_frames_only: it sent a binary message", "welcomed"},
		{"protocol", Config{}, func(_ *testing.T, _ *Server, c *client) { c.write([]byte{0x81, 0x01, 'x'}) },
			"server", "closed by the server with 1002 *: it broke the WebSocket protocol, or a limit of it", "welcomed"},
		{"disconnected", Config{}, func(t *testing.T, s *Server, c *client) { post(t, s, "/api/disconnect", `{"client":"`+c.id+`"}`) },
			"server", "closed by the server with 3503 forced: the API disconnected it", "welcomed"},
		{"by the client", Config{}, func(_ *testing.T, _ *Server, c *client) {
			c.write(frame.AppendMaskedFrame(nil, frame.OpClose, frame.AppendClose(nil, 1001, "")[2:], maskKey))
		}, "client", "closed by the client with 1001, going away", "welcomed"},
		{"end of file", Config{}, func(_ *testing.T, _ *Server, c *client) { c.conn.Close() },
			"network", "ended by the client, or by what is in between, without a close frame", "welcomed"},
		{"reset", Config{}, func(t *testing.T, _ *Server, c *client) {
			socket := c.conn
			if sealed, ok := socket.(*tls.Conn); ok {
				socket = sealed.NetConn()
			}
			_ = socket.(*net.TCPConn).SetLinger(0)
			socket.Close()
		}, "network", "reset by the client's system, or by what is in between, without a close frame", "welcomed"},
	} {
		t.Run(row.name, func(t *testing.T) {
			row.cfg.FlightRecorder = on
			s := startServer(t, row.cfg)
			c := greet(t, s)
			row.end(t, s, c)
			w := whyClosed(t, s, c.id)
			if w.By != row.by || !matches(row.verdict, w.Verdict) || w.Dialect != "wsedge.v1" || w.Client != c.id {
				t.Errorf("%+v\nwant %s", w, row.verdict)
			}
			if !matches(strings.Replace(row.events, " * ", "* ", 1), w.happened()) {
				t.Errorf("events: %s\nwant    %s", w.happened(), row.events)
			}
		})
	}
}

// Who was there when the node drained is told so while the node can still be asked.
func TestWhyOfADrain(t *testing.T) {
	s := startServer(t, Config{FlightRecorder: FlightRecorder{Enabled: true}})
	c := greet(t, s)
	if err := s.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	reports, recording, _ := s.Why(c.id, "")
	if !recording || !strings.Contains(string(reports), `"verdict":"closed by the server with 3001 shutdown: the server was shutting down"`) {
		t.Errorf("%s", reports)
	}
}

// The user's name finds the records, those of raw clients, too. Only keys that may read ask.
func TestWhyByUser(t *testing.T) {
	cfg := authConfig()
	cfg.FlightRecorder.Enabled = true
	s := startServer(t, cfg)
	token := mint(t, time.Now(), nil)
	native, raw := dial(t, s, "/ws?token="+token, ""), dial(t, s, "/ws/raw?channel=news&token="+token, "")
	native.hear()
	if len(ask(t, s, `{"user":"ann"}`)) != 0 {
		t.Error("who is connected still is among the ends")
	}
	call(t, s, "POST", "/api/disconnect", `{"user":"ann"}`, apiKey)
	for _, c := range []*client{native, raw} {
		for op, _ := c.next(); op != frame.OpClose; op, _ = c.next() {
		}
	}
	var list []told
	eventually(t, "two ends", func() bool { list = ask(t, s, `{"user":"ann"}`); return len(list) == 2 })
	dialects := map[string]told{list[0].Dialect: list[0], list[1].Dialect: list[1]}
	if w := dialects["raw"]; w.Code != 1008 || w.Reason != "forced" || w.User != "ann" || w.happened() != "subscribed" || w.Events[0].Channel != "news" {
		t.Errorf("raw: %+v", w)
	}
	if w := dialects["wsedge.v1"]; w.Code != 3503 || w.User != "ann" || w.happened() != "welcomed" {
		t.Errorf("native: %+v", w)
	}
	if len(ask(t, s, `{"user":"ben"}`))+len(ask(t, s, `{"client":"nobody"}`))+len(ask(t, s, `{"client":"`+s.clients.id(1<<40)+`"}`)) != 0 {
		t.Error("something is known of nobody")
	}
	for body, want := range map[string]int{`{}`: 400, `{"user":"ann","client":"x"}`: 400, `{"client":1}`: 400} {
		if status, answer := call(t, s, "POST", "/api/why", body, apiKey); status != want {
			t.Errorf("%s: %d %s", body, status, answer)
		}
	}
	if status, answer := call(t, s, "POST", "/api/why", `{"user":"ann"}`, nil); status != http.StatusUnauthorized {
		t.Errorf("without a key: %d %s", status, answer)
	}
}

// What commands and publications bring is recorded, with the channels' names.
func TestWhyRecordsWhatHappens(t *testing.T) {
	namespaces := channel.Open()
	namespaces.Default.Slow, namespaces.Default.HistorySize, namespaces.Default.Ack = channel.DropOldest, 10, true
	s := startServer(t, Config{FlightRecorder: FlightRecorder{Enabled: true}, Namespaces: namespaces, OutboundMaxBytes: 50_000, OutboundMaxAge: patience})
	c := greet(t, s)
	c.subscribe("a")
	c.say(`{"type":"publish","channel":"a","data":1}`, `{"type":"publish","channel":"a","data":2}`, `{"type":"ack","channel":"a","offset":1}`)
	for range 4 { // two replies, and two messages
		c.hear()
	}
	c.say(`{"type":"unsubscribe","channel":"a"}`, `{"type":"unsubscribe","channel":"a"}`, `{"type":"subscribe","channel":"x:*"}`)
	for range 3 {
		c.hear()
	}
	c.subscribe("b")
	last, _, _ := flood(t, s, "b", func() bool { return s.reactor.Stats().Drops["oldest"] > 3 })
	for !strings.Contains(c.hear(), fmt.Sprintf(`"offset":%d`, last)) {
	}
	var w told
	eventually(t, "drained", func() bool {
		list := ask(t, s, `{"client":"`+c.id+`"}`)
		w = list[0]
		return strings.Contains(w.happened(), "drained")
	})
	if !matches("welcomed subscribed published acknowledged unsubscribed refused subscribed subscribed congested dropped*drained*", w.happened()) || w.State != "open" {
		t.Fatalf("%s\n%+v", w.happened(), w)
	}
	if e := w.Events; e[1].Channel != "a" || e[2].Count != 2 || e[5].Code != "not_subscribed" || e[6].Channel != "x:*" || e[7].Channel != "b" || e[8].Bytes == 0 || e[9].Reason != "oldest" || e[9].Channel != "b" {
		t.Errorf("%+v", e)
	}
}

// Recording begins and ends by a reload, for connections from then on; without it there is nothing, and the answer says how to have it.
func TestFlightRecorderIsReloaded(t *testing.T) {
	s := startServer(t, Config{})
	before := greet(t, s)
	if status, answer := post(t, s, "/api/why", `{"client":"`+before.id+`"}`); status != http.StatusNotFound || !matches(`{"type":"error","code":"unavailable","message":"*flight_recorder.enabled*"}`, answer) {
		t.Errorf("%d %s", status, answer)
	}
	for _, f := range []FlightRecorder{{Enabled: true}, {Enabled: true, Ends: 5}} {
		if err := s.Reconfigure(Config{FlightRecorder: f}); err != nil {
			t.Fatal(err)
		}
	}
	after := greet(t, s)
	if len(ask(t, s, `{"client":"`+before.id+`"}`)) != 0 || len(ask(t, s, `{"client":"`+after.id+`"}`)) != 1 {
		t.Error("not those from then on are recorded")
	}
	if err := s.Reconfigure(Config{FlightRecorder: FlightRecorder{Ends: -1}}); err == nil {
		t.Error("a bad number is taken")
	}
	if err := s.Reconfigure(Config{}); err != nil {
		t.Fatal(err)
	}
	if status, _ := post(t, s, "/api/why", `{"client":"`+after.id+`"}`); status != http.StatusNotFound {
		t.Error("it is not off")
	}
	before.idle()
	after.idle()
}

func TestWordsOfTheRecorderAreTheReactors(t *testing.T) {
	for cause, want := range map[reactor.Cause]uint64{
		reactor.CauseShutdown: flight.CauseShutdown, reactor.CauseSlow: flight.CauseSlow, reactor.CauseNoPong: flight.CauseNoPong,
		reactor.CauseMessageTimeout: flight.CauseMessageTimeout, reactor.CauseRate: flight.CauseRate, reactor.CausePanic: flight.CausePanic,
	} {
		if uint64(cause) != want {
			t.Errorf("%v is %d, and %d to the recorder", cause, cause, want)
		}
	}
	if dropNames[reactor.DropSuspended] != "suspended" {
		t.Errorf("%v", dropNames)
	}
}

// Without a recorder, noting costs nothing.
func TestNotRecordingDoesNotAllocate(t *testing.T) {
	var s Server
	if n := testing.AllocsPerRun(100, func() {
		s.note(1, flight.Welcomed)
		s.noteChannel(1, flight.Published, "news")
		s.noteRefusal(1, "news", errUnavailable)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
