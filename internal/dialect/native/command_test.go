package native

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	news := []string{"news"}
	for _, row := range []struct {
		text string
		want Command
	}{
		{`{"type":"connect"}`, Command{Verb: Connect}},
		{`{"type":"connect","id":"c","token":"ignored"}`, Command{Verb: Connect, ID: []byte(`"c"`), Token: "ignored"}},
		{`{"type":"subscribe","id":1,"channel":"news"}`, Command{Verb: Subscribe, ID: []byte("1"), Channels: news}},
		{`{"type":"subscribe","channels":["a","b","a"]}`, Command{Verb: Subscribe, Channels: []string{"a", "b", "a"}}},
		{`{"type":"subscribe","channel":"news","recover":{"epoch":"x","offset":12}}`, Command{Verb: Subscribe, Channels: news, Recover: &Recover{"x", 12}}},
		{`{"type":"unsubscribe","id":-1.5e3,"channel":"news"}`, Command{Verb: Unsubscribe, ID: []byte("-1.5e3"), Channels: news}},
		{`{"type":"publish","id":3,"channel":"news","data": {"a" :1.0} }`, Command{Verb: Publish, ID: []byte("3"), Channels: news, Data: []byte(`{"a" :1.0}`)}},
		{`{"type":"publish","channel":"news","data":null}`, Command{Verb: Publish, Channels: news, Data: []byte("null")}},
		{`{"type":"ping","type":"ping","id":1,"id":2}`, Command{Verb: Ping, ID: []byte("2")}},
		{`{"t\u0079pe":"p\u0069ng","future":[{}]}`, Command{Verb: Ping}},
		{`{"type":"ack","channel":"news","offset":18446744073709551615}`, Command{Verb: Ack, Channels: news, Offset: 1<<64 - 1}},
	} {
		got, err := Parse([]byte(row.text))
		if err != nil || !reflect.DeepEqual(got, row.want) {
			t.Errorf("Parse(%s) = %+v, %v", row.text, got, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, row := range []struct{ text, id, code string }{
		{`{`, "", CodeBadJSON},
		{``, "", CodeBadJSON},
		{`{"type":"ping"}{"type":"ping"}`, "", CodeBadJSON},
		{`[{"type":"ping"}]`, "", CodeBadRequest},
		{`{}`, "", CodeBadRequest},
		{`{"type":1}`, "", CodeBadRequest},
		{`{"TYPE":"ping"}`, "", CodeBadRequest},
		{`{"type":"ping","id":null}`, "", CodeBadRequest},
		{`{"type":"ping","id":true}`, "", CodeBadRequest},
		{`{"type":"ping","id":{"a":1}}`, "", CodeBadRequest},
		{`{"type":"ping","id":[1]}`, "", CodeBadRequest},
		{`{"type":"ping","id":"` + strings.Repeat("x", MaxIDBytes-1) + `"}`, "", CodeBadRequest},
		{`{"type":"dance","id":7}`, "7", CodeUnknownType},
		{`{"type":"presence","id":7}`, "7", CodeBadRequest},
		{`{"type":"presence","id":7,"channel":"a b"}`, "7", CodeBadChannel},
		{`{"type":"presence","id":7,"channel":"a","limit":"1"}`, "7", CodeBadRequest},
		{`{"type":"presence","id":7,"channel":"a","after":[]}`, "7", CodeBadRequest},
		{`{"type":"publish","id":7,"channel":"a","data":1,"exclude_self":"true"}`, "7", CodeBadRequest},
		{`{"type":"future","id":7,"channel":"news"}`, "7", CodeUnknownType},
		{`{"type":"reload","id":7,"token":"x"}`, "7", CodeUnknownType},
		{`{"type":"subscribe","id":7}`, "7", CodeBadRequest},
		{`{"type":"subscribe","id":7,"channel":5}`, "7", CodeBadRequest},
		{`{"type":"subscribe","id":7,"channel":""}`, "7", CodeBadChannel},
		{`{"type":"subscribe","id":7,"channel":"` + strings.Repeat("x", 256) + `"}`, "7", CodeBadChannel},
		{`{"type":"subscribe","id":7,"channel":"caf\u00e9"}`, "7", CodeBadChannel},
		{`{"type":"subscribe","id":7,"channel":"a b"}`, "7", CodeBadChannel},
		{`{"type":"subscribe","id":7,"channels":["ok","not ok"]}`, "7", CodeBadChannel},
		{`{"type":"subscribe","id":7,"channels":[]}`, "7", CodeBadRequest},
		{`{"type":"subscribe","id":7,"channels":"news"}`, "7", CodeBadRequest},
		{`{"type":"subscribe","id":7,"channels":["a",1]}`, "7", CodeBadRequest},
		{`{"type":"subscribe","id":7,"channel":"a","channels":["b"]}`, "7", CodeBadRequest},
		{`{"type":"subscribe","id":7,"channel":"a","recover":5}`, "7", CodeBadRequest},
		{`{"type":"subscribe","id":7,"channel":"a","recover":{"epoch":"x"}}`, "7", CodeBadRequest},
		{`{"type":"subscribe","id":7,"channel":"a","recover":{"epoch":"x","offset":-1}}`, "7", CodeBadRequest},
		{`{"type":"unsubscribe","id":7}`, "7", CodeBadRequest},
		{`{"type":"publish","id":7,"channel":"a"}`, "7", CodeBadRequest},
		{`{"type":"publish","id":7,"data":1}`, "7", CodeBadRequest},
		{`{"type":"publish","id":7,"channel":"a/b","data":1}`, "7", CodeBadChannel},
		{`{"type":"ack","id":7,"channel":"a"}`, "7", CodeBadRequest},
		{`{"type":"ping","id":7,"deep":` + strings.Repeat("[", 128) + strings.Repeat("]", 128) + `}`, "", CodeBadRequest},
	} {
		got, err := Parse([]byte(row.text))
		if err == nil || err.Code != row.code || string(got.ID) != row.id {
			t.Errorf("Parse(%.60s) = id %q, %v; want id %q, %s", row.text, got.ID, err, row.id, row.code)
		}
	}
}

// FuzzParse wants a verdict on anything: the echoed id is valid JSON, and so is every reply with it.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"type":"subscribe","id":1,"channel":"news","recover":{"epoch":"x","offset":12}}`,
		`{"type":"publish","id":"\u00e9","channel":"news","data":{"a":[1,2,{}]}}`,
		`{"type":"ack","channel":"a","offset":3}`, `{"type":"subscribe","channels":["a","b"]}`, `{"id":-0.0e1,"type":"ping"}`, `[`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		cmd, err := Parse(payload)
		if err == nil {
			err = &Error{CodeLimit, "x"}
			if cmd.Verb == 0 {
				t.Fatal("accepted without a verb")
			}
			if cmd.Verb == Publish && !json.Valid(cmd.Data) {
				t.Fatalf("data %q is no JSON", cmd.Data)
			}
		}
		for _, reply := range [][]byte{
			AppendError(nil, cmd.ID, "", err), AppendPong(nil, cmd.ID), AppendPublished(nil, cmd.ID, "news", 1),
		} {
			if !json.Valid(reply) {
				t.Fatalf("reply %q is no JSON", reply)
			}
		}
	})
}
