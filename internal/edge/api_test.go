package edge

import (
	"fmt"
	"strings"
	"testing"
)

func TestPublishAPI(t *testing.T) {
	s := startServer(t, Config{})
	c, other := greet(t, s), greet(t, s)
	c.subscribe("news")
	other.subscribe("news")
	raw := dial(t, s, "/ws/raw?channel=news", "")

	status, answer := post(t, s, "/api/publish", " {\"channel\":\"news\", \"data\": {\"html\" : \"<b>&\\u2028\"} }\n")
	if status != 200 || !matches(`{"channel":"news","offset":1,"epoch":"*","matched":3}`, answer) {
		t.Fatalf("%d %s", status, answer)
	}
	want := `{"html" : "<b>&\u2028"}`
	c.want(`{"type":"message","channel":"news","data":` + want + `,"offset":1}`)
	other.want(`{"type":"message","channel":"news","data":` + want + `,"offset":1}`)
	raw.want(want)

	if status, answer = post(t, s, "/api/publish", `{"channel":"news","data":2,"exclude":"`+c.id+`"}`); status != 200 {
		t.Fatalf("%d %s", status, answer)
	}
	other.want(`{"type":"message","channel":"news","data":2,"offset":2}`)
	c.idle()
	post(t, s, "/api/publish", `{"channel":"news","data":3,"exclude":"nobody"}`)
	c.want(`{"type":"message","channel":"news","data":3,"offset":3}`)
}

func TestPublishBodies(t *testing.T) {
	s := startServer(t, Config{})
	for _, row := range []struct {
		body   string
		status int
		code   string
	}{
		{``, 400, "bad_json"},
		{`{`, 400, "bad_json"},
		{`{"channel":"news","data":1} x`, 400, "bad_json"},
		{`{"channel":"news","data":1}{}`, 400, "bad_json"},
		{"{\"channel\":\"news\",\"data\":\"\xff\"}", 400, "bad_json"},
		{`{"channel":"news","data":NaN}`, 400, "bad_json"},
		{`["news"]`, 400, "bad_request"},
		{`{"channel":"news"}`, 400, "bad_request"},
		{`{"data":1}`, 400, "bad_request"},
		{`{"channel":1,"data":1}`, 400, "bad_request"},
		{`{"channel":"news","data":1,"exclude":5}`, 400, "bad_request"},
		{`{"channel":"news","data":1,"idempotency_key":5}`, 400, "bad_request"},
		{`{"channel":"news","data":1,"idempotency_key":"` + strings.Repeat("k", 129) + `"}`, 400, "bad_request"},
		{`{"channel":"news","data":` + strings.Repeat("[", 128) + strings.Repeat("]", 128) + `}`, 400, "bad_request"},
		{`{"channel":"","data":1}`, 400, "bad_channel"},
		{`{"channel":"a/b","data":1}`, 400, "bad_channel"},
		{`{"channel":"` + strings.Repeat("x", 256) + `","data":1}`, 400, "bad_channel"},
		{`{"channel":"news","data":"` + strings.Repeat("x", 1<<20) + `"}`, 413, "too_large"},
	} {
		status, answer := post(t, s, "/api/publish", row.body)
		if status != row.status || !matches(`{"type":"error","code":"`+row.code+`","message":"*"}`, answer) {
			t.Errorf("%.50q: %d %s", row.body, status, answer)
		}
	}
	if _, answer := post(t, s, "/api/publish", `{"channel":"news","data":1}`); !matches(`*"offset":1,*`, answer) {
		t.Errorf("a refused body was published: %s", answer)
	}
}

// A compressed body is not taken, whatever is in it; what bounds bodies is counted.
func TestBodiesOutOfBounds(t *testing.T) {
	s := startServer(t, Config{})
	for i, row := range []struct {
		encoding, body string
		status         int
		code           string
	}{
		{"gzip", `{"channel":"news","data":1}`, 415, "bad_request"}, {"GZIP", "", 415, "bad_request"}, {"identity, gzip", "", 415, "bad_request"}, {"br", "\x1f\x8b", 415, "bad_request"},
		{"identity", `{"channel":"news","data":"` + strings.Repeat("x", 1<<20) + `"}`, 413, "too_large"},
	} {
		status, answer := call(t, s, "POST", "/api/publish", row.body, map[string]string{"Content-Encoding": row.encoding})
		if status != row.status || !matches(`{"type":"error","code":"`+row.code+`","message":"*"}`, answer) {
			t.Errorf("%s: %d %s", row.encoding, status, answer)
		}
		if n := s.limiter.refusals.ByReason()["api_body"]; n != int64(i+1) {
			t.Errorf("%s: counted %d", row.encoding, n)
		}
	}
	if status, answer := call(t, s, "POST", "/api/publish", `{"channel":"news","data":1}`, map[string]string{"Content-Encoding": "identity"}); status != 200 {
		t.Errorf("%d %s", status, answer)
	}
}

func TestAPIMethodsAndPaths(t *testing.T) {
	s := startServer(t, Config{Version: "v1"})
	for _, row := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/api/publish", 405}, {"PUT", "/api/publish", 405}, {"OPTIONS", "/api/broadcast", 405}, {"POST", "/api/info", 405},
		{"GET", "/api/nothing", 404}, {"GET", "/nothing", 404}, {"GET", "/api/info", 200}, {"GET", "/healthz", 200},
		{"GET", "/readyz", 200}, {"GET", "/metrics", 200}, {"GET", "/", 200}, {"GET", "/ws", 426}, {"GET", "/ws/raw?channel=a", 426},
		{"POST", "/", 405},
	} {
		if status, answer := call(t, s, row.method, row.path, "", nil); status != row.status {
			t.Errorf("%s %s: %d %s", row.method, row.path, status, answer)
		}
	}
	greet(t, s)
	if _, answer := call(t, s, "GET", "/api/info", "", nil); !matches(`{"node":"`+s.node+`","version":"v1","connections":1,"channels":0,"uptime_seconds":*}`, answer) {
		t.Errorf("info: %s", answer)
	}
	if _, answer := call(t, s, "GET", "/metrics", "", nil); !strings.Contains(answer, "\nwsedge_connections 1\n") {
		t.Errorf("metrics: %s", answer)
	}
}

func TestAPIRefusesForeignSites(t *testing.T) {
	s := startServer(t, Config{})
	body := `{"channel":"news","data":1}`
	for _, row := range []struct {
		header map[string]string
		status int
	}{
		{map[string]string{"Content-Type": "text/plain"}, 200},
		{map[string]string{"Content-Type": "nonsense"}, 200},
		{map[string]string{"Origin": origin(s)}, 200},
		{map[string]string{"Origin": "http://evil.example"}, 403},
		{map[string]string{"Origin": "null"}, 403},
		{map[string]string{"Host": "rebound.example", "Origin": "http://rebound.example"}, 403},
		{map[string]string{"Content-Encoding": "gzip"}, 415},
	} {
		if status, answer := call(t, s, "POST", "/api/publish", body, row.header); status != row.status {
			t.Errorf("%v: %d %s", row.header, status, answer)
		}
	}
}

func TestBroadcastAPI(t *testing.T) {
	s := startServer(t, Config{MaxChannels: 2})
	c := greet(t, s)
	c.subscribe("a")
	status, answer := post(t, s, "/api/broadcast", `{"channels":["a","not \"good\"","b","c"],"data":"x"}`)
	if status != 200 || !matches(`{"results":[{"channel":"a","offset":1,"epoch":"*","matched":1},`+
		`{"channel":"not \"good\"","code":"bad_channel","message":"*"},{"channel":"b","offset":1,"epoch":"*","matched":0},`+
		`{"channel":"c","code":"limit","message":"*"}]}`, answer) {
		t.Fatalf("%d %s", status, answer)
	}
	c.want(`{"type":"message","channel":"a","data":"x","offset":1}`)
	many := `["a"` + strings.Repeat(`,"a"`, 1000) + `]`
	for body, code := range map[string]string{
		`{"channels":[],"data":1}`: "bad_request", `{"channels":"a","data":1}`: "bad_request", `{"channels":[1],"data":1}`: "bad_request",
		`{"channels":["a"]}`: "bad_request", `{"data":1}`: "bad_request", `{"channels":` + many + `,"data":1}`: "limit",
	} {
		if status, answer := post(t, s, "/api/broadcast", body); status != 400 || !matches(`{"type":"error","code":"`+code+`",*}`, answer) {
			t.Errorf("%.40s: %d %s", body, status, answer)
		}
	}
	c.idle()
}

func TestIdempotencyKey(t *testing.T) {
	s := startServer(t, Config{})
	c := greet(t, s)
	c.subscribe("news")
	body := `{"channel":"news","data":%d,"idempotency_key":"k1"}`
	_, first := post(t, s, "/api/publish", fmt.Sprintf(body, 1))
	_, second := post(t, s, "/api/publish", fmt.Sprintf(body, 2))
	if first != second || !matches(`*"offset":1,*`, first) {
		t.Fatalf("%s, then %s", first, second)
	}
	c.want(`{"type":"message","channel":"news","data":1,"offset":1}`)
	c.idle()
}
