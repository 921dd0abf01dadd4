package edge

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wsedge/wsedge/internal/api"
)

// inspect asks the API about a client or a user.
func inspect(t *testing.T, s *Server, body string) (clients []api.Client, more bool) {
	t.Helper()
	status, answer := call(t, s, "POST", "/api/client", body, apiKey)
	var found struct {
		Clients []api.Client
		More    bool
	}
	if err := json.Unmarshal([]byte(answer), &found); err != nil || status != 200 {
		t.Fatalf("%s: %d %s", body, status, answer)
	}
	return found.Clients, found.More
}

func TestInspect(t *testing.T) {
	s := startServer(t, authConfig())
	token := mint(t, time.Now(), nil)
	c := dial(t, s, "/ws?token="+token, "")
	c.want(`{"type":"welcome",*}`)
	c.say(`{"type":"subscribe","id":1,"channels":["news","open:a"]}`)
	c.hear()
	c.hear()
	raw := dial(t, s, "/ws/raw?channel=open:b&token="+token, "")
	eventually(t, "two of ann's", func() bool { found, _ := inspect(t, s, `{"user":"ann"}`); return len(found) == 2 })
	found, more := inspect(t, s, `{"user":"ann"}`)
	byDialect := map[string]api.Client{found[0].Dialect: found[0], found[1].Dialect: found[1]}
	one := byDialect["wsedge.v1"]
	if more || one.User != "ann" || fmt.Sprint(one.Channels) != "[news open:a]" || one.ChannelCount != 2 || one.ExpiresIn == nil || *one.ExpiresIn < 500 ||
		one.Address != c.conn.LocalAddr().String() || one.QueuedBytes != 0 || one.ConnectedSeconds < 0 {
		t.Errorf("%+v", one)
	}
	if two := byDialect["raw"]; two.User != "ann" || fmt.Sprint(two.Channels) != "[open:b]" || two.Address != raw.conn.LocalAddr().String() {
		t.Errorf("%+v", two)
	}
	if alone, _ := inspect(t, s, `{"client":"`+one.ID+`"}`); len(alone) != 1 || alone[0].ID != one.ID {
		t.Errorf("by its id: %+v", alone)
	}
	for _, nobody := range []string{`{"user":"bob"}`, `{"client":"x"}`} {
		if found, _ := inspect(t, s, nobody); len(found) != 0 {
			t.Errorf("%s: %+v", nobody, found)
		}
	}
	for _, bad := range []string{`{}`, `{"user":"a","client":"b"}`, `{"user":1}`} {
		if status, answer := call(t, s, "POST", "/api/client", bad, apiKey); status != 400 || !strings.Contains(answer, "bad_request") {
			t.Errorf("%s: %d %s", bad, status, answer)
		}
	}
}

func TestInspectIsBounded(t *testing.T) {
	s := startServer(t, authConfig())
	token := mint(t, time.Now(), nil)
	for range 3 {
		dial(t, s, "/ws?token="+token, "").hear()
	}
	if found, more, _ := s.Inspect(api.Target{User: "ann"}, 2); len(found) != 2 || !more {
		t.Errorf("%d, more: %v", len(found), more)
	}
}
