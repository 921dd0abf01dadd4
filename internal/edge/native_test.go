package edge

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wsedge/wsedge/frame"
)

func TestWelcome(t *testing.T) {
	s := startServer(t, Config{PingInterval: 90 * time.Second})
	for _, row := range []struct{ offered, chosen string }{
		{"", ""},
		{"Sec-WebSocket-Protocol: wsedge.v1\r\n", "\r\nsec-websocket-protocol: wsedge.v1"},
		{"Sec-WebSocket-Protocol: a, wsedge.v1\r\n", "\r\nsec-websocket-protocol: wsedge.v1"},
		{"Sec-WebSocket-Protocol: chat, superchat\r\n", ""},
	} {
		c := dial(t, s, "/ws", row.offered)
		head := strings.ToLower(c.head) + "\r\n"
		if has := strings.Contains(head, "sec-websocket-protocol"); has != (row.chosen != "") || !strings.Contains(head, row.chosen) {
			t.Errorf("offered %q: %s", row.offered, c.head)
		}
		c.want(`{"type":"welcome","client":"` + s.node + `-*","ping":90,"node":"` + s.node + `"}`)
	}
}

func TestEveryCommand(t *testing.T) {
	s := startServer(t, Config{})
	a, b := greet(t, s), greet(t, s)

	a.say(`{"type":"connect","id":"c1","token":"whatever"}`)
	a.want(`{"type":"welcome","id":"c1","client":"` + a.id + `","ping":0,"node":"*"}`)
	a.say(`{"type":"ping","id":6}`)
	a.want(`{"type":"pong","id":6}`)
	a.say(`{"type":"ping"}`)
	a.want(`{"type":"pong"}`)

	a.say(`{"type":"subscribe","id":1,"channel":"news"}`)
	a.want(`{"type":"subscribed","id":1,"channel":"news","epoch":"*","offset":0}`)
	b.say(`{"type":"publish","id":-2.50e1,"channel":"news","data": {"b" :[1.0,"\u00e9"]} }`)
	b.want(`{"type":"published","id":-2.50e1,"channel":"news","offset":1}`)
	a.want(`{"type":"message","channel":"news","data":{"b" :[1.0,"\u00e9"]},"offset":1,"client":"` + b.id + `"}`)
	b.idle() // is not subscribed

	a.say(`{"type":"publish","id":3,"channel":"news","data":null}`)
	got := []string{a.hear(), a.hear()} // in whichever order
	if got[0] > got[1] {
		got[0], got[1] = got[1], got[0]
	}
	if got[0] != `{"type":"message","channel":"news","data":null,"offset":2,"client":"`+a.id+`"}` ||
		got[1] != `{"type":"published","id":3,"channel":"news","offset":2}` {
		t.Fatalf("%q", got)
	}

	a.say(`{"type":"ack","channel":"news","offset":2}`)
	a.idle()
	a.say(`{"type":"ack","id":9,"channel":"other","offset":2}`)
	a.want(`{"type":"error","id":9,"channel":"other","code":"not_subscribed","message":"*"}`)

	a.say(`{"type":"unsubscribe","id":4,"channel":"news"}`)
	a.want(`{"type":"unsubscribed","id":4,"channel":"news"}`)
	b.say(`{"type":"publish","channel":"news","data":1}`)
	b.want(`{"type":"published","channel":"news","offset":3}`)
	a.idle()
	a.say(`{"type":"unsubscribe","id":5,"channel":"news"}`)
	a.want(`{"type":"error","id":5,"channel":"news","code":"not_subscribed","message":"*"}`)
}

func TestSeveralChannelsInOneSubscribe(t *testing.T) {
	s := startServer(t, Config{})
	c := greet(t, s)
	c.say(`{"type":"subscribe","id":1,"channels":["a","b","a","c"]}`)
	c.want(`{"type":"subscribed","id":1,"channel":"a",*}`)
	c.want(`{"type":"subscribed","id":1,"channel":"b",*}`)
	c.want(`{"type":"error","id":1,"channel":"a","code":"already_subscribed",*}`)
	c.want(`{"type":"subscribed","id":1,"channel":"c",*}`)
	c.say(`{"type":"unsubscribe","id":2,"channels":["c","x","a"]}`)
	c.want(`{"type":"unsubscribed","id":2,"channel":"c"}`)
	c.want(`{"type":"error","id":2,"channel":"x","code":"not_subscribed",*}`)
	c.want(`{"type":"unsubscribed","id":2,"channel":"a"}`)
	for _, channel := range []string{"a", "b", "c"} {
		post(t, s, "/api/publish", `{"channel":"`+channel+`","data":1}`)
	}
	c.want(`{"type":"message","channel":"b","data":1,"offset":1}`)
	c.idle()
}

func TestErrorsKeepTheConnection(t *testing.T) {
	s := startServer(t, Config{})
	long := strings.Repeat("x", 256)
	for _, row := range []struct{ message, code, id string }{
		{`{`, "bad_json", ""},
		{`{"type":"ping"} {"type":"ping"}`, "bad_json", ""},
		{`[1]`, "bad_request", ""},
		{`{"id":7}`, "bad_request", `"id":7,`},
		{`{"type":"ping","id":[7]}`, "bad_request", ""},
		{`{"type":"ping","id":7,"x":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`, "bad_request", ""},
		{`{"type":"presence","id":7}`, "bad_request", `"id":7,`},
		{`{"type":"presence","id":7,"channel":"news","limit":0}`, "bad_request", `"id":7,`},
		{`{"type":"presence","id":7,"channel":"news","limit":501}`, "bad_request", `"id":7,`},
		{`{"type":"presence","id":7,"channel":"news","after":1}`, "bad_request", `"id":7,`},
		{`{"type":"publish","id":7,"channel":"news","data":1,"exclude_self":1}`, "bad_request", `"id":7,`},
		{`{"type":"future","id":7,"channel":"news"}`, "unknown_type", `"id":7,`},
		{`{"type":"reload","id":7}`, "unknown_type", `"id":7,`},
		{`{"type":"subscribe","id":7,"channel":""}`, "bad_channel", `"id":7,`},
		{`{"type":"subscribe","id":7,"channel":"` + long + `"}`, "bad_channel", `"id":7,`},
		{`{"type":"subscribe","id":7,"channel":"a b"}`, "bad_channel", `"id":7,`},
		{`{"type":"subscribe","id":7,"channel":"новости"}`, "bad_channel", `"id":7,`},
		{`{"type":"publish","id":7,"channel":"news"}`, "bad_request", `"id":7,`},
	} {
		c := greet(t, s)
		c.say(row.message)
		c.want(`{"type":"error",` + row.id + `"code":"` + row.code + `","message":"*"}`)
		c.idle()
		c.conn.Close()
	}
}

func TestTenBadMessagesEndTheConversation(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	s := startServer(t, Config{now: func() time.Time { return now }})
	c := greet(t, s)
	for range 9 {
		c.say(`{`)
		c.want(`{"type":"error","code":"bad_json",*}`)
	}
	c.say(`{"type":"unsubscribe","channel":"x"}`) // an error, but a good message
	c.want(`{"type":"error","channel":"x","code":"not_subscribed",*}`)
	c.say(`nonsense`, `{"type":"ping"}`)
	c.want(`{"type":"error","code":"bad_json",*}`)
	c.want(`{"type":"disconnect","code":3501,"reason":"bad_request"}`)
	c.wantClose(3501)
}

func TestWireErrors(t *testing.T) {
	s := startServer(t, Config{MaxMessageBytes: 1000})
	t.Run("too large", func(t *testing.T) {
		c := greet(t, s)
		c.say(`{"type":"ping","id":"` + strings.Repeat("x", 1000) + `"}`)
		c.wantClose(frame.CloseMessageTooBig)
	})
	t.Run("unmasked", func(t *testing.T) {
		c := greet(t, s)
		c.write(frame.AppendFrame(nil, frame.OpText, []byte(`{"type":"ping"}`)))
		c.wantClose(frame.CloseProtocolError)
	})
	t.Run("not UTF-8", func(t *testing.T) {
		c := greet(t, s)
		c.say("{\"type\":\"\xff\"}")
		c.wantClose(frame.CloseInvalidPayload)
	})
	t.Run("binary", func(t *testing.T) {
		c := greet(t, s)
		c.write(frame.AppendMaskedFrame(nil, frame.OpBinary, []byte(`{"type":"ping"}`), maskKey))
		c.want(`{"type":"disconnect","code":1003,"reason":"text_frames_only"}`)
		c.wantClose(frame.CloseUnsupportedData)
	})
	t.Run("close", func(t *testing.T) {
		c := greet(t, s)
		c.write(frame.AppendMaskedFrame(nil, frame.OpClose, []byte{0x03, 0xe8}, maskKey))
		c.wantClose(frame.CloseNormal)
	})
	t.Run("WebSocket ping", func(t *testing.T) {
		c := greet(t, s)
		c.write(frame.AppendMaskedFrame(nil, frame.OpPing, []byte("hello"), maskKey))
		if op, payload := c.next(); op != frame.OpPong || payload != "hello" {
			t.Fatalf("%v %q", op, payload)
		}
	})
}

func TestCommandsRightBehindTheHandshake(t *testing.T) {
	s := startServer(t, Config{})
	c := dialRaw(t, s, handshake(s, "/ws", "")+string(frames(
		`{"type":"subscribe","id":1,"channel":"news"}`, `{"type":"publish","id":2,"channel":"news","data":"early"}`, `{"type":"ping","id":3}`)))
	c.want(`{"type":"welcome",*}`)
	rest := []string{c.hear(), c.hear(), c.hear(), c.hear()}
	// The replies are in the order of the commands; the message is somewhere behind its subscription.
	message := -1
	var replies []string
	for i, m := range rest {
		if strings.HasPrefix(m, `{"type":"message"`) {
			message = i
		} else {
			replies = append(replies, m)
		}
	}
	for i, want := range []string{`{"type":"subscribed","id":1,*}`, `{"type":"published","id":2,*}`, `{"type":"pong","id":3}`} {
		if !matches(want, replies[i]) {
			t.Fatalf("%q", rest)
		}
	}
	if message < 1 {
		t.Fatalf("%q", rest)
	}
}

func TestChannelsPerConnAreLimited(t *testing.T) {
	s := startServer(t, Config{ChannelsPerConn: 3, MaxChannels: 4})
	a, b := greet(t, s), greet(t, s)
	a.say(`{"type":"subscribe","id":1,"channels":["a","b","c","d"]}`)
	a.want(`{"type":"error","id":1,"code":"limit",*}`)
	a.say(`{"type":"subscribe","id":2,"channels":["a","b","c"]}`)
	for range 3 {
		a.want(`{"type":"subscribed","id":2,*}`)
	}
	a.say(`{"type":"subscribe","id":3,"channel":"d"}`)
	a.want(`{"type":"error","id":3,"channel":"d","code":"limit",*}`)
	a.say(`{"type":"unsubscribe","channel":"a"}`, `{"type":"subscribe","id":4,"channel":"d"}`)
	a.want(`{"type":"unsubscribed",*}`)
	a.want(`{"type":"subscribed","id":4,*}`)
	b.say(`{"type":"subscribe","id":5,"channel":"e"}`, `{"type":"publish","id":6,"channel":"f","data":1}`)
	b.want(`{"type":"error","id":5,"channel":"e","code":"limit",*}`)
	b.want(`{"type":"error","id":6,"channel":"f","code":"limit",*}`)
	if status, answer := post(t, s, "/api/publish", `{"channel":"g","data":1}`); status != 503 || !strings.Contains(answer, `"limit"`) {
		t.Fatalf("%d %s", status, answer)
	}
}

func TestRecoverTellsTheTruth(t *testing.T) {
	s := startServer(t, Config{})
	a := greet(t, s)
	post(t, s, "/api/publish", `{"channel":"news","data":1}`)
	a.say(`{"type":"subscribe","channel":"news"}`)
	var epoch string
	if _, err := fmt.Sscanf(a.hear(), `{"type":"subscribed","channel":"news","epoch":%q,"offset":1}`, &epoch); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		epoch  string
		offset int
		want   bool
	}{{epoch, 1, true}, {epoch, 0, false}, {epoch, 2, false}, {"other", 1, false}} {
		c := greet(t, s)
		c.say(fmt.Sprintf(`{"type":"subscribe","channel":"news","recover":{"epoch":%q,"offset":%d}}`, row.epoch, row.offset))
		c.want(fmt.Sprintf(`{"type":"subscribed","channel":"news","epoch":%q,"offset":1,"recovered":%v}`, epoch, row.want))
	}
}

func TestShutdownSaysGoodbye(t *testing.T) {
	s := startServer(t, Config{})
	native, plain := greet(t, s), dial(t, s, "/ws/raw?channel=news", "")
	ended := make(chan error, 1)
	go func() { ended <- s.Shutdown(t.Context()) }()
	native.want(`{"type":"disconnect","code":3001,"reason":"shutdown","retry_after_ms":*}`)
	native.wantClose(3001)
	plain.wantClose(frame.CloseServiceRestart)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}
