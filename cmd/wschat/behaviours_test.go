package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"
)

func TestNode(t *testing.T) {
	ch := serve(t, nil)
	a := dial(t, ch, "/node")
	idA := a.want(`{"type":"welcome","userId":"*","message":"Connected successfully"}`)["userId"].(string)
	b := dial(t, ch, "/node")
	idB := b.want(`{"type":"welcome","userId":"*","message":"Connected successfully"}`)["userId"].(string)
	if idA == idB {
		t.Errorf("both are %s", idA)
	}
	for _, bad := range []string{"hello", "{", "", `{"type":}`} {
		a.say(bad)
		a.want(`{"type":"error","message":"Invalid JSON"}`)
	}
	if err := a.Write(a.ctx, websocket.MessageBinary, []byte("\"\xff\"")); err != nil {
		t.Fatal(err)
	}
	a.want(`{"type":"error","message":"Invalid JSON"}`)
	for _, fine := range []string{"42", "null", `[1]`, `{"type":"unknown"}`, `{"type":7}`} {
		a.say(fine) // says nothing that is known here, and is no error
	}
	a.say(`{"type":"chat","content":"<b>你好</b>"}`)
	a.want(`{"type":"chat","userId":"` + idA + `","content":"<b>你好</b>"}`)
	b.want(`{"type":"chat","userId":"` + idA + `","content":"<b>你好</b>"}`)
	a.bye()
	b.want(`{"type":"user_left","userId":"` + idA + `"}`)
}

func TestPython(t *testing.T) {
	ch := serve(t, nil)
	other := dial(t, ch, "/node") // is nobody's business on /python
	other.next()
	a := dial(t, ch, "/python")
	welcome := a.want(`{"type":"welcome","clientId":"*","timestamp":"*"}`)
	if at, err := time.Parse("2006-01-02T15:04:05.000000-07:00", welcome["timestamp"].(string)); err != nil || time.Since(at).Abs() > patience {
		t.Errorf("%v, %v", at, err)
	}
	joined := a.want(`{"type":"user_joined","clientId":"*","count":1}`)
	if joined["clientId"] != welcome["clientId"] {
		t.Errorf("%v is welcome, %v joined", welcome["clientId"], joined["clientId"])
	}
	b := dial(t, ch, "/python")
	b.next()
	idB := b.want(`{"type":"user_joined","clientId":"*","count":2}`)["clientId"]
	if a.want(`{"type":"user_joined","clientId":"*","count":2}`)["clientId"] != idB {
		t.Error("they are told of different clients")
	}
	a.say(`{"type":"ping"}`)
	a.want(`{"type":"pong"}`)
	a.say("no JSON")
	a.want(`{"type":"error","message":"Invalid JSON"}`)
	b.say(`{"type":"chat","content":{"any":["thing",1]}}`)
	for _, c := range []*client{a, b} {
		if got := c.want(`{"type":"chat","clientId":"*","content":{"any":["thing",1]},"timestamp":"*"}`); got["clientId"] != idB {
			t.Errorf("%v", got)
		}
	}
	b.say(`{"type":"chat"}`)
	a.want(`{"type":"chat","clientId":"*","content":null,"timestamp":"*"}`)
	b.bye()
	if got := a.want(`{"type":"user_left","clientId":"*","count":1}`); got["clientId"] != idB {
		t.Errorf("%v", got)
	}
}

func TestGroup(t *testing.T) {
	ch := serve(t, func(o *options) { o.beat = 100 * time.Millisecond })
	a, b := dial(t, ch, "/group"), dial(t, ch, "/group")
	for _, c := range []*client{a, b} {
		c.want(`{"type":1,"message":"心跳检测"}`)
		c.want(`{"type":1,"message":"心跳检测"}`)
	}
	a.say(`plain "text" 你好`)
	if err := a.Write(a.ctx, websocket.MessageBinary, []byte("\xff.")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []*client{a, b} {
		for _, want := range []string{`plain "text" 你好`, "\uFFFD."} {
			got := c.next()
			for got["type"] == 1.0 {
				got = c.next()
			}
			if got["type"] != 2.0 || got["message"] != want {
				t.Errorf("%v", got)
			}
		}
	}
}

// TestDeep: JSON that the others' parsers could fail at goes no further. Brackets in texts are none.
func TestDeep(t *testing.T) {
	nested := func(levels int, open, end string) []byte {
		return []byte(`{"type":"chat","content":` + strings.Repeat(open, levels) + "1" + strings.Repeat(end, levels) + `}`)
	}
	for _, row := range []struct {
		payload []byte
		problem string
	}{
		{nested(99, "[", "]"), ""}, {nested(100, "[", "]"), "JSON is nested too deeply"}, {nested(100, `{"a":`, "}"), "JSON is nested too deeply"},
		{[]byte(`{"type":"chat","content":"\\\"` + strings.Repeat("[", 200) + `"}`), ""}, {nested(12_000, "[", "]"), "Invalid JSON"},
	} {
		if got := decode(row.payload).problem; got != row.problem {
			t.Errorf("%.40s: %q, want %q", row.payload, got, row.problem)
		}
	}
}

// FuzzDecode: whatever a member sends, what is made of it for the others is JSON in UTF-8, and no longer than a bound.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{`{"type":"chat","content":"<b>","id":7}`, `{"type":"join","room":"a","username":"b"}`, `null`, `[`, "\"\xff\"", `{"id":{}}`, `{"content":"\ud800"}`, `{"TYPE":"chat"}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		in := decode(payload)
		for _, out := range [][]byte{
			encode(output{Type: "chat", Username: in.Username, Content: in.Content, ID: in.ID}),
			encode(output{Type: "error", Message: in.problem, ID: in.ID}),
		} {
			if !json.Valid(out) || !utf8.Valid(out) || len(out) > 6*len(payload)+200 {
				t.Errorf("%q became %q", payload, out)
			}
		}
	})
}
