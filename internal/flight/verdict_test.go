package flight

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestVerdict(t *testing.T) {
	at := func(s float64, e Event) Event {
		e.At, e.Count = time.Duration(s*float64(time.Second)), max(e.Count, 1)
		return e
	}
	ending := func(cause, bytes, age, silent uint64) Event {
		return at(99, Event{Kind: Ending, A: cause, B: bytes, C: age, D: silent})
	}
	for _, row := range []struct {
		end    *End
		events []Event
		want   string
	}{
		{nil, nil, "open for 1m40s"},
		{nil, []Event{at(90, Event{Kind: Congested, A: 5})}, "open for 1m40s; its socket had not taken all for 10.0 s"},
		{nil, []Event{at(90, Event{Kind: Congested, A: 5}), at(91, Event{Kind: Drained})}, "open for 1m40s"},
		{&End{Code: 3008, Reason: "slow"}, []Event{at(89, Event{Kind: Congested, A: 5}), ending(CauseSlow, 1<<20, 10_200, 12_000)},
			"closed by the server with 3008 slow: 1.0 MiB waited, the oldest of it for 10.2 s; last heard from 12.0 s before"},
		{&End{Code: 3008, Reason: "slow"}, []Event{ending(CauseSlow, 0, 0, 500)},
			"closed by the server with 3008 slow: more was published at once than may wait for it; last heard from 0.5 s before"},
		{&End{Code: 3012, Reason: "no_pong"}, []Event{ending(CauseNoPong, 0, 0, 35_000)}, "closed by the server with 3012 no_pong: a ping was not answered in time; last heard from 35.0 s before"},
		{&End{Code: 3013, Reason: "frame_rate"}, []Event{ending(CauseRate, 0, 0, 0)}, "closed by the server with 3013 frame_rate: it sent more frames a second than it may"},
		{&End{Code: 3001, Reason: "shutdown"}, []Event{ending(CauseShutdown, 0, 0, 0)}, "closed by the server with 3001 shutdown: the server was shutting down"},
		{&End{Code: 1011, Reason: "internal"}, []Event{ending(CausePanic, 0, 0, 0)}, "closed by the server with 1011 internal: the server failed at handling it; its log has the panic"},
		{&End{Code: 1008, Reason: "message_timeout"}, []Event{ending(CauseMessageTimeout, 0, 0, 0)}, "closed by the server with 1008 message_timeout: a message was begun and not finished in time; last heard from 0.0 s before"},
		{&End{Code: 3501, Reason: "bad_request"}, []Event{at(98, Event{Kind: Refused, A: WordOf("bad_json"), Count: 10})},
			"closed by the server with 3501 bad_request: too many of its messages were bad; the last refusal before: bad_json, 10 times in a row"},
		{&End{Code: 3503, Reason: "forced"}, nil, "closed by the server with 3503 forced: the API disconnected it"},
		{&End{Code: 3005, Reason: "expired"}, nil, "closed by the server with 3005 expired: its token had expired, and no other came in time"},
		{&End{Code: 3500, Reason: "invalid_token"}, nil, "closed by the server with 3500 invalid_token: its token was not good"},
		{&End{Code: 1002, Reason: "unmasked_frame"}, nil, "closed by the server with 1002 unmasked_frame: it broke the WebSocket protocol, or a limit of it"},
		{&End{Code: 3507, Reason: "not_today"}, []Event{at(98, Event{Kind: Refused, A: 0})}, "closed by the server with 3507 not_today: it was refused before; the last refusal before: other"},
		{&End{Code: 3507, Reason: "not_today"}, nil, "closed by the server with 3507 not_today"},
		{&End{Code: 1000, Remote: true}, nil, "closed by the client with 1000, normal"},
		{&End{Code: 4000, Remote: true, Reason: "a \"word\""}, nil, `closed by the client with 4000, and the words "a \"word\""`},
		{&End{Code: 1006, Err: ErrReset}, []Event{at(80, Event{Kind: Pinged})}, "reset by the client's system, or by what is in between, without a close frame; last pinged 20.0 s before"},
		{&End{Code: 1006, Err: ErrEOF}, nil, "ended by the client, or by what is in between, without a close frame"},
		{&End{Code: 1006, Err: ErrTimeout}, nil, "lost: the network, or the client's system, did not answer any more"},
		{&End{Code: 1006, Err: "broken pipe"}, nil, "lost without a close frame: broken pipe"},
	} {
		r := Report{Opened: time.UnixMilli(0), Until: time.UnixMilli(100_000), Events: row.events, End: row.end}
		if got := r.Verdict(); got != row.want {
			t.Errorf("got  %s\nwant %s", got, row.want)
		}
	}
}

func TestAppendJSON(t *testing.T) {
	news := ChannelOf("news")
	r := Report{Opened: time.UnixMilli(0), Until: time.UnixMilli(2500), Forgotten: 3, Events: []Event{
		{Kind: Subscribed, At: time.Second, Count: 1, A: news}, {Kind: Unsubscribed, At: time.Second, Count: 1, A: 255},
		{Kind: Refused, At: time.Second, Count: 2, A: WordOf("rate"), B: news}, {Kind: Dropped, At: time.Second, Count: 5, A: 1, B: news},
		{Kind: Dropped, At: time.Second, Count: 1, A: 77}, {Kind: Congested, At: time.Second, Count: 1, A: 9}, {Kind: Drained, At: time.Second, Count: 1},
		{Kind: Ending, At: 2 * time.Second, Count: 1, A: CauseSlow, B: 9, C: 8, D: 7},
	}, End: &End{User: "a\"nn\n", Dialect: "wsedge.v1", Code: 3008, Reason: "slow"}}
	channels := r.Channels()
	if len(channels) != 2 {
		t.Errorf("channels: %v", channels)
	}
	channels[news] = "news"
	got := string(r.AppendJSON(nil, "n-0", channels, Names{"slow", "oldest"}))
	want := `{"client":"n-0","state":"closed","verdict":"closed by the server with 3008 slow: 9 B waited, the oldest of it for 0.0 s; last heard from 0.0 s before",` +
		`"opened":"1970-01-01T00:00:00.000Z","closed":"1970-01-01T00:00:02.500Z","code":3008,"reason":"slow","by":"server","user":"a\"nn\n","dialect":"wsedge.v1","duration_ms":2500,"events":[` +
		`{"at_ms":1000,"event":"subscribed","channel":"news"},{"at_ms":1000,"event":"unsubscribed","channel_hash":"ff"},` +
		`{"at_ms":1000,"event":"refused","count":2,"channel":"news","code":"rate"},{"at_ms":1000,"event":"dropped","count":5,"channel":"news","reason":"oldest"},` +
		`{"at_ms":1000,"event":"dropped","reason":"other"},{"at_ms":1000,"event":"congested","bytes":9},{"at_ms":1000,"event":"drained"},` +
		`{"at_ms":2000,"event":"ending","reason":"slow","bytes":9,"waited_ms":8,"silent_ms":7}],"forgotten":3}`
	if got != want || !json.Valid([]byte(got)) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestNamesOfKinds(t *testing.T) {
	for k := Kind(1); k < numKinds; k++ {
		if name := k.String(); name == "" || strings.ToLower(name) != name || name == "unknown" {
			t.Errorf("kind %d is called %q", k, name)
		}
	}
	if Kind(0).String() != "unknown" || numKinds.String() != "unknown" || WordOf("rate") == 0 || WordOf("never") != 0 || word(99) != "other" {
		t.Error("unknown numbers are not told")
	}
}
