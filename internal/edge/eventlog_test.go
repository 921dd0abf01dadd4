package edge

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/internal/channel"
	"github.com/wsedge/wsedge/internal/eventlog"
)

// logged are the lines of a log, once there are as many as wanted; those behind them must not come.
func logged(t *testing.T, name string, want int) (lines []map[string]any) {
	t.Helper()
	var text []byte
	eventually(t, fmt.Sprintf("%d lines", want), func() bool {
		text, _ = os.ReadFile(name)
		return bytes.Count(text, []byte("\n")) >= want
	})
	for l := range strings.Lines(string(text)) {
		var line map[string]any
		if err := json.Unmarshal([]byte(l), &line); err != nil {
			t.Fatalf("%s: %v", l, err)
		}
		delete(line, "time")
		lines = append(lines, line)
	}
	if len(lines) != want {
		t.Fatalf("%d lines, want %d:\n%s", len(lines), want, text)
	}
	return lines
}

// has tells what of a line is not as wanted.
func has(t *testing.T, line map[string]any, want string) {
	t.Helper()
	for member := range strings.FieldsSeq(want) {
		name, value, _ := strings.Cut(member, "=")
		if got := fmt.Sprint(line[name]); value == "-" && line[name] != nil || value != "-" && !matches(value, got) {
			t.Errorf("%s is %s, want %s: %v", name, got, value, line)
		}
	}
}

// Who published what, where, and to how many, is logged, whoever did; so is what was refused.
func TestPushLog(t *testing.T) {
	file := filepath.Join(t.TempDir(), "push")
	cfg := authConfig()
	cfg.Namespaces.Default.MaxMessageBytes = 100
	cfg.Namespaces.Default.HistorySize = 5
	cfg.Logs = eventlog.Settings{Push: eventlog.Push{Enabled: true, File: file}}
	s := startServer(t, cfg)
	c := dial(t, s, "/ws?token="+mint(t, time.Now(), nil), "")
	c.hear()
	c.subscribe("news")
	for range 2 {
		call(t, s, "POST", "/api/publish", `{"channel":"news","data":"secret","idempotency_key":"k"}`, apiKey)
	}
	call(t, s, "POST", "/api/broadcast", `{"channels":["news","other","no such:"],"data":1}`, apiKey)
	call(t, s, "POST", "/api/batch", `{"commands":[{"method":"publish","params":{"channel":"news","data":2}}]}`, apiKey)
	call(t, s, "POST", "/api/publish", `{"channel":"news","data":"`+strings.Repeat("x", 200)+`"}`, apiKey)
	call(t, s, "POST", "/api/publish", `{"channel":"news","data":1}`, nil) // never came that far
	c.say(`{"type":"publish","id":1,"channel":"news","data":3}`, `{"type":"publish","id":2,"channel":"none:x","data":3}`)
	lines := logged(t, file, 8)
	for i, want := range []string{
		"msg=push channel=news key=test client=- offset=1 epoch=* matched=1 bytes=8 repeated=- error=-", "channel=news offset=1 repeated=true",
		"channel=news key=test offset=2 matched=1 bytes=1", "channel=other offset=1 matched=0", "channel=news key=test offset=3",
		"channel=news key=test error=too_large bytes=202 offset=-", "channel=news key=- client=* user=ann offset=4 matched=1", "channel=none:x user=ann error=permission_denied",
	} {
		has(t, lines[i], want)
	}
	if text, _ := os.ReadFile(file); bytes.Contains(text, []byte("secret")) || bytes.Contains(text, []byte(apiKey["X-API-Key"])) {
		t.Errorf("contents, or a key, are in the log: %s", text)
	}
	wantMetrics(t, s, "wsedge_push_log_lines_total 8", "wsedge_push_log_dropped_total 0") // lines are counted when they are in the file
}

// The access log has handshakes, requests and ends, and nothing that is secret.
func TestAccessLog(t *testing.T) {
	file := filepath.Join(t.TempDir(), "access")
	cfg := authConfig()
	cfg.Logs = eventlog.Settings{Access: eventlog.Access{Enabled: true, File: file, Connections: true, Address: eventlog.AddressSubnet}}
	s := startServer(t, cfg)
	token := mint(t, time.Now(), nil)
	dialRaw(t, s, handshake(s, "/ws/raw?channel=none:x&token="+token, ""))
	dialRaw(t, s, handshake(s, "/ws?token="+token, "Origin: https://evil.example\r\n"))
	c := dial(t, s, "/ws?token="+token, "")
	c.hear()
	call(t, s, "POST", "/api/publish?key=secret", `{"channel":"news","data":"secret"}`, apiKey)
	call(t, s, "POST", "/api/publish", `{"channel":"news","data":"secret"}`, map[string]string{"X-API-Key": "a secret guess"})
	call(t, s, "POST", "/api/publish", "{}", map[string]string{"Origin": "https://evil.example", "X-API-Key": apiKey["X-API-Key"]})
	call(t, s, "GET", "/healthz", "", nil) // no business of the API
	c.write(frame.AppendMaskedFrame(nil, frame.OpClose, append(frame.AppendClose(nil, 4001, "")[2:], "bye"...), maskKey))
	lines := logged(t, file, 7)
	for i, want := range []string{
		"msg=handshake address=127.0.0.0/24 status=403 reason=permission_denied client=-", "status=403 reason=*", "status=101 reason=- client=* dialect=wsedge.v1",
		"msg=request address=127.0.0.0/24 method=POST path=/api/publish key=test status=200 in=34 out=* duration_ms=*", "status=401 key=-", "path=/api/publish status=403",
		"msg=close address=127.0.0.0/24 client=* user=ann code=4001 reason=bye by_client=true duration_ms=*",
	} {
		has(t, lines[i], want)
	}
	text, _ := os.ReadFile(file)
	for _, secret := range []string{"secret", token, apiKey["X-API-Key"], "?"} {
		if bytes.Contains(text, []byte(secret)) {
			t.Errorf("%s is in the log:\n%s", secret, text)
		}
	}
}

// All of it begins, changes and ends by a reload, and a file that can't be opened changes nothing.
func TestLogsAreReloaded(t *testing.T) {
	folder := t.TempDir()
	first, second := filepath.Join(folder, "first"), filepath.Join(folder, "second")
	s := startServer(t, Config{})
	publish := func() {
		if status, answer := post(t, s, "/api/publish", `{"channel":"news","data":1}`); status != http.StatusOK {
			t.Fatal(answer)
		}
	}
	publish()
	reload := func(name string) error {
		return s.Reconfigure(Config{Logs: eventlog.Settings{Push: eventlog.Push{Enabled: name != "", File: name}}})
	}
	if err := reload(first); err != nil {
		t.Fatal(err)
	}
	publish()
	logged(t, first, 1)
	namespaces := channel.Open()
	namespaces.Default.HistorySize = 5
	if err := s.Reconfigure(Config{Namespaces: namespaces, Logs: eventlog.Settings{Push: eventlog.Push{Enabled: true, File: filepath.Join(folder, "none", "x")}}}); err == nil {
		t.Error("a file that can't be opened is taken")
	}
	if s.hub.Options("news").HistorySize != 0 {
		t.Error("something has changed although something was wrong")
	}
	if err := os.Rename(first, first+".1"); err != nil {
		t.Fatal(err)
	}
	if err := s.ReopenLogs(); err != nil {
		t.Fatal(err)
	}
	publish()
	logged(t, first, 1)
	if err := reload(second); err != nil {
		t.Fatal(err)
	}
	publish()
	logged(t, second, 1)
	if err := reload(""); err != nil {
		t.Fatal(err)
	}
	publish()
	for _, name := range []string{first, first + ".1", second} {
		logged(t, name, 1)
	}
	if err := reload("."); err == nil {
		t.Error("a folder is taken")
	}
	if _, err := Listen(Config{Addr: "127.0.0.1:0", Logs: eventlog.Settings{Access: eventlog.Access{Enabled: true, File: folder}}}); err == nil {
		t.Error("a folder is taken at the start")
	}
}

// Publications in a burst are in the log, or counted as dropped, and none of them is late for it.
func TestPushLogOfABurst(t *testing.T) {
	file := filepath.Join(t.TempDir(), "push")
	s := startServer(t, Config{Logs: eventlog.Settings{Push: eventlog.Push{Enabled: true, File: file, Data: eventlog.DataHash}}})
	c := greet(t, s)
	const n = 20_000
	go func() {
		for range n / 100 {
			if _, err := c.conn.Write(frames(strings.Split(strings.Repeat(`{"type":"publish","channel":"news","data":1} `, 100), " ")[:100]...)); err != nil {
				return
			}
		}
	}()
	for i := range n {
		c.want(fmt.Sprintf(`{"type":"published","channel":"news","offset":%d}`, i+1))
	}
	eventually(t, "all accounted for", func() bool { st := s.events.Stats(); return st.Pushes+st.PushesDropped == n })
}

// What was logged before the end of a drain is written when Shutdown returns: the process exits then.
func TestLogsAreWrittenAtTheEnd(t *testing.T) {
	file := filepath.Join(t.TempDir(), "push")
	cfg := authConfig()
	cfg.Logs = eventlog.Settings{Push: eventlog.Push{Enabled: true, File: file, Data: eventlog.DataHash}} // which takes some time
	s := startServer(t, cfg)
	const lines = 60
	names := strings.Repeat(`"news",`, lines-1) + `"news"`
	call(t, s, "POST", "/api/broadcast", `{"channels":[`+names+`],"data":"`+strings.Repeat("x", 60_000)+`"}`, apiKey)
	if err := s.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	select {
	case <-s.done:
	default:
		t.Error("Shutdown has returned before what it leaves behind was done")
	}
	logged(t, file, lines)
}
