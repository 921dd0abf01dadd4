package native

import (
	"reflect"
	"testing"
)

func TestParseConnect(t *testing.T) {
	for _, row := range []struct {
		text string
		want Command
	}{
		{`{"type":"connect"}`, Command{Verb: Connect}},
		{`{"type":"connect","ticket":true,"token":"t"}`, Command{Verb: Connect, WantsTicket: true, Token: "t"}},
		{`{"type":"connect","ticket":false,"token":"t"}`, Command{Verb: Connect, Token: "t"}},
		{`{"type":"connect","ticket":"abc"}`, Command{Verb: Connect, WantsTicket: true, Ticket: "abc"}},
		{`{"type":"connect","ticket":"abc","positions":{"news":{"epoch":"x","offset":1},"chat:*":{"epoch":"","offset":0},"news":{"epoch":"y","offset":2}}}`,
			Command{Verb: Connect, WantsTicket: true, Ticket: "abc", Positions: map[string]*Recover{"news": {"y", 2}, "chat:*": {"", 0}}}},
	} {
		got, err := Parse([]byte(row.text))
		if err != nil || !reflect.DeepEqual(got, row.want) {
			t.Errorf("Parse(%s) = %+v, %v", row.text, got, err)
		}
	}
	for text, code := range map[string]string{
		`{"type":"connect","ticket":1}`: CodeBadRequest, `{"type":"connect","ticket":""}`: CodeBadRequest, `{"type":"connect","ticket":null}`: CodeBadRequest,
		`{"type":"connect","ticket":"a","token":"b"}`: CodeBadRequest, `{"type":"connect","ticket":"a","positions":[]}`: CodeBadRequest,
		`{"type":"connect","ticket":"a","positions":{"a":1}}`: CodeBadRequest, `{"type":"connect","ticket":"a","positions":{"a b":{"epoch":"","offset":0}}}`: CodeBadChannel,
		`{"type":"connect","ticket":"a","positions":{"a":{"epoch":"x","offset":-1}}}`: CodeBadRequest,
	} {
		if _, err := Parse([]byte(text)); err == nil || err.Code != code {
			t.Errorf("Parse(%s): %v, want %s", text, err, code)
		}
	}
}

func TestTicketReplies(t *testing.T) {
	for _, row := range []struct {
		got  []byte
		want string
	}{
		{AppendTicket(nil, "abc"), `{"type":"ticket","ticket":"abc"}`},
		{AppendWelcome(nil, nil, Welcome{Client: "n-1", Node: "n", Ticket: "abc"}), `{"type":"welcome","client":"n-1","ping":0,"node":"n","ticket":"abc"}`},
		{AppendWelcome(nil, nil, Welcome{Client: "n-1", Node: "n", Channels: []string{"a", "b:*"}}), `{"type":"welcome","client":"n-1","ping":0,"node":"n","channels":["a","b:*"]}`},
		{AppendWelcome(nil, nil, Welcome{Client: "n-1", Node: "n", Channels: []string{}}), `{"type":"welcome","client":"n-1","ping":0,"node":"n","channels":[]}`},
	} {
		if string(row.got) != row.want {
			t.Errorf("got  %s\nwant %s", row.got, row.want)
		}
	}
}
