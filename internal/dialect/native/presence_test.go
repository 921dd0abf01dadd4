package native

import (
	"encoding/json"
	"testing"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/internal/dialect"
)

func TestAppendPresence(t *testing.T) {
	a, b := dialect.Present{Client: "n-1"}, dialect.Present{Client: "n-2", User: "o\"h\u2028é", Info: []byte(`{"a":1}`)}
	for _, row := range []struct {
		members dialect.Members
		want    string
	}{
		{dialect.Members{Channel: "c", Count: 7}, `{"type":"presence","id":1,"channel":"c","count":7}`},
		{dialect.Members{Channel: "c", Listed: true}, `{"type":"presence","id":1,"channel":"c","count":0,"clients":[]}`},
		{dialect.Members{Channel: "c", Count: 3, Listed: true, Clients: []dialect.Present{a, b}, More: true},
			`{"type":"presence","id":1,"channel":"c","count":3,"clients":[{"client":"n-1"},{"client":"n-2","user":"o\"h\u2028é","info":{"a":1}}],"next":"n-2"}`},
	} {
		if got := string(AppendPresence(nil, []byte("1"), row.members)); got != row.want || !json.Valid([]byte(got)) {
			t.Errorf("got  %s\nwant %s", got, row.want)
		}
	}
}

func TestAppendNotice(t *testing.T) {
	who := &dialect.Present{Client: "n-1", User: "u", Info: []byte(`[1]`)}
	for _, row := range []struct {
		notice dialect.Notice
		want   string
	}{
		{dialect.Notice{Channel: "c", Who: who, Joined: true, Count: 3}, `{"type":"join","channel":"c","client":"n-1","user":"u","info":[1],"count":3}`},
		{dialect.Notice{Channel: "c", Who: who, Count: 2}, `{"type":"leave","channel":"c","client":"n-1","user":"u","info":[1],"count":2}`},
		{dialect.Notice{Channel: "c", Count: 900}, `{"type":"presence","channel":"c","count":900}`},
	} {
		want := string(frame.AppendFrame(nil, frame.OpText, []byte(row.want)))
		if got := string(AppendNotice(nil, &row.notice)); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
