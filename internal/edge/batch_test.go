package edge

import (
	"strings"
	"testing"

	"github.com/wsedge/wsedge/internal/auth"
	"github.com/wsedge/wsedge/internal/channel"
)

func TestBatch(t *testing.T) {
	s := startServer(t, Config{})
	c := greet(t, s)
	c.subscribe("news")
	status, answer := post(t, s, "/api/batch", `{"commands":[
		{"method":"publish","params":{"channel":"news","data":1}},
		{"method":"publish","params":{"channel":"a b","data":2}},
		{"method":"dance","params":{}},
		{"params":{"channel":"news","data":3},"method":"publish"},
		{"method":"info","params":{}}]}`)
	want := `{"replies":[{"status":200,"reply":{"channel":"news","offset":1,"epoch":"*","matched":1}},` +
		`{"status":400,"reply":{"type":"error","code":"bad_channel","message":"*"}},` +
		`{"status":404,"reply":{"type":"error","code":"unknown_type","message":"*"}},` +
		`{"status":200,"reply":{"channel":"news","offset":2,"epoch":"*","matched":1}},` +
		`{"status":200,"reply":{"node":"*","version":"*","connections":1,"channels":1,"uptime_seconds":*}}]}`
	if status != 200 || !matches(want, answer) {
		t.Errorf("%d %s", status, answer)
	}
	c.want(`{"type":"message","channel":"news","data":1,"offset":1}`)
	c.want(`{"type":"message","channel":"news","data":3,"offset":2}`)
}

func TestBadBatches(t *testing.T) {
	s := startServer(t, Config{})
	for body, code := range map[string]string{
		`{}`: "bad_request", `{"commands":{}}`: "bad_request", `{"commands":[]}`: "bad_request", `{"commands":[1]}`: "bad_request",
		`{"commands":[{"method":"publish"}]}`: "bad_request", `{"commands":[{"params":{}}]}`: "bad_request",
		`{"commands":[{"method":"publish","params":[]}]}`:                                                            "bad_request",
		`{"commands":[{"method":"batch","params":{}}]}`:                                                              "bad_request",
		`{"commands":[{"method":"../healthz","params":{}}]}`:                                                         "bad_request",
		`{"commands":[{"method":"info?x","params":{}}]}`:                                                             "bad_request",
		`{"commands":[` + strings.Repeat(`{"method":"info","params":{}},`, 1000) + `{"method":"info","params":{}}]}`: "limit",
		`{"commands":`: "bad_json",
	} {
		if status, answer := post(t, s, "/api/batch", body); status != 400 || !strings.Contains(answer, `"code":"`+code+`"`) {
			t.Errorf("%.80s: %d %s", body, status, answer)
		}
	}
}

// A key opens in a batch what it opens alone.
func TestBatchesNeedTheKeysOfTheirCommands(t *testing.T) {
	cfg := authConfig()
	cfg.Auth.APIKeys = append(cfg.Auth.APIKeys,
		auth.APIKey{Name: "chat", Secret: "the key to chat........", Scopes: []auth.Scope{auth.ScopePublish}, Channels: []string{"chat:"}})
	s := startServer(t, cfg)
	body := `{"commands":[{"method":"publish","params":{"channel":"chat:1","data":1}},{"method":"publish","params":{"channel":"news","data":1}},
		{"method":"disconnect","params":{"user":"ann"}},{"method":"info","params":{}}]}`
	status, answer := call(t, s, "POST", "/api/batch", body, map[string]string{"X-API-Key": "the key to chat........"})
	denied := `{"status":403,"reply":{"type":"error","code":"permission_denied","message":"*"}}`
	if status != 200 || !matches(`{"replies":[{"status":200,"reply":{"channel":"chat:1",*}},`+denied+`,`+denied+`,`+denied+`]}`, answer) {
		t.Errorf("%d %s", status, answer)
	}
	if status, answer := call(t, s, "POST", "/api/batch", body, nil); status != 401 {
		t.Errorf("without a key: %d %s", status, answer)
	}
}

// What the replies of a batch take is bounded: what comes behind is not carried out, and says so.
func TestRepliesOfABatchAreBounded(t *testing.T) {
	namespaces := channel.Open()
	namespaces.Default.HistorySize = 100
	s := startServer(t, Config{Namespaces: namespaces})
	for range 5 {
		if status, answer := post(t, s, "/api/publish", `{"channel":"news","data":"`+strings.Repeat("x", 1<<20-100)+`"}`); status != 200 {
			t.Fatal(status, answer)
		}
	}
	read := `{"method":"history","params":{"channel":"news"}},`
	status, answer := post(t, s, "/api/batch", `{"commands":[`+read+read+read+`{"method":"publish","params":{"channel":"other","data":1}}]}`)
	if status != 200 || !strings.HasSuffix(answer, `{"status":413,"reply":{"type":"error","code":"too_large","message":"not carried out: the replies before it are larger than 8 MiB"}}]}`) {
		t.Errorf("%d …%s", status, answer[max(0, len(answer)-300):])
	}
	if _, answer := post(t, s, "/api/publish", `{"channel":"other","data":1}`); !strings.Contains(answer, `"offset":1,`) {
		t.Errorf("it was carried out: %s", answer)
	}
}
