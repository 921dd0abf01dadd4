package edge

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/wsedge/wsedge/frame"
)

// journal takes everything that a server logs.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(b)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// startLogged runs a server without TLS that logs all it can, until the test ends it.
func startLogged(t *testing.T) (*Server, *journal, func()) {
	t.Helper()
	log := &journal{}
	s, err := Listen(Config{Addr: "127.0.0.1:0", PingInterval: -1, Logger: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err != nil {
		t.Fatal(err)
	}
	end := sync.OnceFunc(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		if err := s.Wait(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(end)
	return s, log, end
}

// What clients say stays out of the log, of answers to others, and of the metrics: tokens in the URL, and bytes made to confuse
// whoever reads a log. Neither does what they do make more series or more lines.
func TestNothingOfClientsShowsElsewhere(t *testing.T) {
	if *tlsFlag != "" {
		return // the same code, and a client that would have to speak TLS by hand
	}
	s, log, end := startLogged(t)
	const canary = "CANARY7Q"
	_, before := call(t, s, "GET", "/metrics", "", nil)
	for i := range 300 {
		name := fmt.Sprintf("%s%d", canary, i)
		for _, lines := range []string{
			"Origin: http://" + name + ".example\r\n", "User-Agent: \x1b[31m" + name + "\r\n", "Sec-WebSocket-Protocol: " + name + "\r\n",
			"X-Forwarded-For: " + name + "\r\n", "Authorization: Bearer " + name + "\r\n",
		} {
			dialRaw(t, s, handshake(s, "/ws?token="+name, lines)).conn.Close()
		}
		if i >= 20 {
			continue
		}
		dialRaw(t, s, handshake(s, "/"+name, "")).conn.Close()
		dialRaw(t, s, handshake(s, "/ws/raw?channel=%0a"+name, "")).conn.Close()
		c := greet(t, s)
		c.say(`{"type":"`+name+`"}`, `{"type":"publish","channel":"`+name+`","data":"`+name+`"}`)
		c.hear()
		c.hear()
		c.write(frame.AppendMaskedFrame(nil, frame.OpClose, append([]byte{0x0f, 0xa0}, "\r\n"+name...), maskKey))
		c.wantClose(4000)
		call(t, s, "POST", "/api/"+name, name, map[string]string{"X-API-Key": name})
		call(t, s, "POST", "/api/publish", `{"channel":"`+name+`","data":"`+name+`"}`, map[string]string{"X-API-Key": name})
	}
	_, after := call(t, s, "GET", "/metrics", "", nil)
	_, info := call(t, s, "GET", "/api/info", "", nil)
	end()
	for what, text := range map[string]string{"log": log.String(), "metrics": after, "info": info} {
		if i := strings.Index(text, canary); i >= 0 {
			t.Errorf("%s: …%.200q", what, text[max(0, i-100):])
		}
	}
	if lines := strings.Count(log.String(), "\n"); lines > 20 {
		t.Errorf("%d lines in the log:\n%.2000s", lines, log)
	}
	value := regexp.MustCompile(`(?m) [0-9.e+-]+$`)
	names := func(text string) map[string]bool {
		set := make(map[string]bool)
		for line := range strings.Lines(text) {
			set[value.ReplaceAllString(strings.TrimSuffix(line, "\n"), "")] = true
		}
		return set
	}
	if had, has := len(names(before)), len(names(after)); has > had+5 { // reasons that had not come before
		t.Errorf("%d series, %d before", has, had)
	}
}

// What a server may show by accident is not there, by whatever method and however the path is written.
func TestWhatIsNotThere(t *testing.T) {
	s := startServer(t, Config{})
	for _, path := range []string{
		"/debug/pprof/", "/debug/pprof/heap", "/debug/vars", "/debug", "/admin", "/.git/config", "/config", "/wsedge.yaml", "/server-status",
		"/api", "/api/", "/api/../wsedge.yaml", "/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2fetc/passwd", "//etc/passwd", "/healthz/x", "/metrics/x", "/readyz/",
	} {
		for _, method := range []string{"GET", "POST", "TRACE", "PUT", "PROPFIND"} {
			status, answer := call(t, s, method, path, "", map[string]string{"X-HTTP-Method-Override": "GET", "X-Canary": "canary"})
			if status != http.StatusNotFound && status != http.StatusMethodNotAllowed {
				t.Errorf("%s %s: %d", method, path, status)
			}
			if strings.Contains(answer, "canary") || strings.Contains(answer, "goroutine") || strings.Contains(answer, ".go:") {
				t.Errorf("%s %s tells %.200q", method, path, answer)
			}
		}
	}
	if status, answer := call(t, s, "TRACE", "/healthz", "", map[string]string{"X-Canary": "canary"}); status != 405 || strings.Contains(answer, "canary") {
		t.Errorf("TRACE: %d %q", status, answer)
	}
}

// An endless body is read as far as the limit, chunked or not, and answered.
func TestEndlessBodies(t *testing.T) {
	if *tlsFlag != "" {
		return // see above
	}
	s := startServer(t, Config{})
	head := "POST /api/publish HTTP/1.1\r\nHost: " + s.Addr().String() + "\r\n"
	chunk := "10000\r\n" + strings.Repeat(" ", 1<<16) + "\r\n"
	for _, body := range []string{
		"Transfer-Encoding: chunked\r\n\r\n" + strings.Repeat(chunk, 17), // no end
		"Content-Length: 1099511627776\r\n\r\n" + strings.Repeat(" ", 1<<20+1),
	} {
		c := dialRaw(t, s, head+body)
		if c.status() != "413" || !strings.Contains(string(c.unread), `"code":"too_large"`) && !strings.Contains(c.hearRest(), `"code":"too_large"`) {
			t.Errorf("%s %s", c.head, c.unread)
		}
		c.conn.Close()
	}
}

// hearRest is all that still comes.
func (c *client) hearRest() string {
	for c.tryRead() == nil {
	}
	return string(c.unread)
}
