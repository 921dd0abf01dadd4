package native

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/dialect"
)

func TestReplies(t *testing.T) {
	at := broker.Position{Epoch: "x1", Offset: 15}
	for _, row := range []struct {
		got  []byte
		want string
	}{
		{AppendWelcome(nil, nil, Welcome{Client: "n-1", Node: "n", Ping: 25}), `{"type":"welcome","client":"n-1","ping":25,"node":"n"}`},
		{AppendWelcome(nil, []byte(`"a"`), Welcome{Client: "n-1", Node: "n", Ping: 0}), `{"type":"welcome","id":"a","client":"n-1","ping":0,"node":"n"}`},
		{AppendWelcome(nil, nil, Welcome{Client: "n-1", Node: "n", User: "a\"b\u2028", ExpiresIn: 9}), `{"type":"welcome","client":"n-1","user":"a\"b\u2028","ping":0,"node":"n","expires_in":9}`},
		{AppendRefreshed(nil, []byte("1"), 60), `{"type":"refreshed","id":1,"expires_in":60}`},
		{AppendLeft(nil, "news", "expired"), `{"type":"unsubscribed","channel":"news","reason":"expired"}`},
		{AppendSubscribed(nil, []byte("1"), Subscribed{Channel: "news", Position: at}), `{"type":"subscribed","id":1,"channel":"news","epoch":"x1","offset":15}`},
		{AppendSubscribed(nil, nil, Subscribed{"news", at, true, true, nil}), `{"type":"subscribed","channel":"news","epoch":"x1","offset":15,"recovered":true}`},
		{AppendSubscribed(nil, nil, Subscribed{"news", at, true, false, nil}), `{"type":"subscribed","channel":"news","epoch":"x1","offset":15,"recovered":false}`},
		{AppendSubscribed(nil, nil, Subscribed{"news", at, true, true, &at.Offset}), `{"type":"subscribed","channel":"news","epoch":"x1","offset":15,"recovered":true,"acked":15}`},
		{AppendUnsubscribed(nil, []byte("2"), "news"), `{"type":"unsubscribed","id":2,"channel":"news"}`},
		{AppendPublished(nil, []byte("3"), "news", 16), `{"type":"published","id":3,"channel":"news","offset":16}`},
		{AppendPong(nil, []byte("6")), `{"type":"pong","id":6}`},
		{AppendError(nil, []byte("1"), "", &Error{CodeBadJSON, "Invalid JSON"}), `{"type":"error","id":1,"code":"bad_json","message":"Invalid JSON"}`},
		{AppendError(nil, nil, "news", &Error{CodeLimit, "m"}), `{"type":"error","channel":"news","code":"limit","message":"m"}`},
		{AppendDisconnect(nil, 3001, "shutdown", 500), `{"type":"disconnect","code":3001,"reason":"shutdown","retry_after_ms":500}`},
		{AppendDisconnect(nil, 3501, "bad_request", -1), `{"type":"disconnect","code":3501,"reason":"bad_request"}`},
	} {
		if string(row.got) != row.want {
			t.Errorf("got  %s\nwant %s", row.got, row.want)
		}
	}
}

func TestAppendMessage(t *testing.T) {
	long := `"` + strings.Repeat("x", 70_000) + `"`
	for _, row := range []struct {
		message dialect.Message
		want    string
	}{
		{dialect.Message{Publication: &broker.Publication{Data: []byte("{\"a\" :\n1.0}")}, Channel: "news", Offset: 16, Prev: 15},
			"{\"type\":\"message\",\"channel\":\"news\",\"data\":{\"a\" :\n1.0},\"offset\":16}"},
		{dialect.Message{Publication: &broker.Publication{Data: []byte("1"), Client: "n-2"}, Channel: "news", Offset: 16, Prev: 12},
			`{"type":"message","channel":"news","data":1,"offset":16,"prev":12,"client":"n-2"}`},
		{dialect.Message{Publication: &broker.Publication{Data: []byte("a\"b"), Kind: broker.Text}, Channel: "n", Offset: 1},
			`{"type":"message","channel":"n","data":"a\"b","offset":1}`},
		{dialect.Message{Publication: &broker.Publication{Data: []byte{0, 255}, Kind: broker.Binary}, Channel: "n", Offset: 1},
			`{"type":"message","channel":"n","data":"AP8=","encoding":"base64","offset":1}`},
		{dialect.Message{Publication: &broker.Publication{Data: []byte(long)}, Channel: "n", Offset: 1},
			`{"type":"message","channel":"n","data":` + long + `,"offset":1}`},
	} {
		frame := AppendMessage([]byte("before"), &row.message)[len("before"):]
		header := 2
		switch frame[1] {
		case 126:
			header = 4
		case 127:
			header = 10
		}
		if frame[0] != 0x81 || string(frame[header:]) != row.want || !json.Valid(frame[header:]) {
			t.Errorf("got  %.200q\nwant %.200s", frame, row.want)
		}
	}
}
