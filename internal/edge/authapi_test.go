package edge

import (
	"bytes"
	"encoding/base64"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wsedge/wsedge/internal/auth"
	"github.com/wsedge/wsedge/internal/dialect/native"
)

func b64URL(b []byte) string { return base64.URLEncoding.EncodeToString(b) }

func TestAPIKeysOpenWhatTheyAreFor(t *testing.T) {
	cfg := authConfig()
	for name, scope := range map[string]auth.Scope{"publish": auth.ScopePublish, "manage": auth.ScopeManage, "read": auth.ScopeRead} {
		cfg.Auth.APIKeys = append(cfg.Auth.APIKeys, auth.APIKey{Name: name, Secret: "the key to " + name + "........", Scopes: []auth.Scope{scope}})
	}
	cfg.Auth.APIKeys = append(cfg.Auth.APIKeys, auth.APIKey{Name: "chat", Secret: "the key to chat........", Scopes: []auth.Scope{auth.ScopeAll}, Channels: []string{"chat:"}})
	s := startServer(t, cfg)
	publish, broadcast, disconnect := `{"channel":"chat:1","data":1}`, `{"channels":["chat:1","chat:2"],"data":1}`, `{"user":"x"}`
	for _, row := range []struct {
		key, method, path, body string
		status                  int
	}{
		{"", "POST", "/api/publish", publish, 401}, {"", "GET", "/api/info", "", 401}, {"", "POST", "/api/nothing", "{}", 401}, {"nonsense", "POST", "/api/publish", publish, 401},
		{"the key of the tests", "POST", "/api/publish", publish, 200}, {"the key of the tests", "GET", "/api/info", "", 200}, {"the key of the tests", "POST", "/api/nothing", "{}", 404},
		{"publish", "POST", "/api/publish", publish, 200}, {"publish", "POST", "/api/broadcast", broadcast, 200}, {"publish", "GET", "/api/info", "", 403}, {"publish", "POST", "/api/disconnect", disconnect, 403},
		{"publish", "POST", "/api/nothing", "{}", 403}, {"manage", "POST", "/api/disconnect", disconnect, 200}, {"manage", "POST", "/api/revoke", disconnect, 200}, {"manage", "POST", "/api/publish", publish, 403},
		{"read", "GET", "/api/info", "", 200}, {"read", "POST", "/api/revoke", disconnect, 403}, {"read", "POST", "/api/publish", publish, 403},
		{"chat", "POST", "/api/publish", publish, 200}, {"chat", "POST", "/api/broadcast", broadcast, 200}, {"chat", "POST", "/api/publish", `{"channel":"news","data":1}`, 403},
		{"chat", "POST", "/api/publish", `{"channel":"news","channel":"chat:1","data":1}`, 403}, {"chat", "POST", "/api/publish", `{"channel":"chat:1","ch\u0061nnel":"news","data":1}`, 403},
		{"chat", "POST", "/api/broadcast", `{"channels":["chat:1","news"],"data":1}`, 403}, {"chat", "POST", "/api/broadcast", `{"channels":"chat:1","data":1}`, 403}, {"chat", "POST", "/api/publish", `{"data":1}`, 403},
		{"chat", "POST", "/api/disconnect", disconnect, 403}, {"chat", "POST", "/api/publish", `{`, 400}, {"chat", "POST", "/api/publish", `{"x":"` + strings.Repeat("x", 1<<20) + `"}`, 413},
	} {
		header := map[string]string{}
		if row.key != "" {
			header["X-API-Key"] = row.key
			if !strings.HasPrefix(row.key, "the") {
				header["X-API-Key"] = "the key to " + row.key + "........"
			}
		}
		status, answer := call(t, s, row.method, row.path, row.body, header)
		if status != row.status || !strings.HasPrefix(answer, "{") {
			t.Errorf("%s with %q: %s: %d %.100s, want %d", row.path, row.key, row.body[:min(len(row.body), 60)], status, answer, row.status)
		}
		if word := map[int]string{401: `"code":"unauthorized"`, 403: `"code":"permission_denied"`}[row.status]; !strings.Contains(answer, word) {
			t.Errorf("%s: %s", row.path, answer)
		}
	}
	_, text := call(t, s, "GET", "/metrics", "", nil)
	if !strings.Contains(text, `wsedge_api_refused_total{reason="unauthorized"} 4`) || !strings.Contains(text, `wsedge_api_refused_total{reason="permission_denied"} 13`) {
		t.Errorf("not counted: %s", text[strings.Index(text, "# TYPE wsedge_api_refused"):][:300])
	}
}

func TestWhereAnAPIKeyIsLookedFor(t *testing.T) {
	s := startServer(t, authConfig())
	const key, body = "the key of the tests", `{"channel":"news","data":1}`
	for _, row := range []struct {
		path, body string
		header     map[string]string
		status     int
	}{
		{"", body, map[string]string{"X-API-Key": key}, 200}, {"", body, map[string]string{"Authorization": "apikey " + key}, 200}, {"", body, map[string]string{"Authorization": "ApiKey  " + key}, 200},
		{"", body, map[string]string{"Authorization": "apikey " + key, "X-API-Key": key}, 401}, {"", body, map[string]string{"Authorization": "Bearer " + key}, 401}, {"", body, map[string]string{"Authorization": key}, 401},
		{"", body, map[string]string{"Authorization": "Bearer " + mint(t, time.Now(), nil)}, 401}, {"?key=the+key+of+the+tests&X-API-Key=the+key+of+the+tests&api_key=the+key+of+the+tests", body, nil, 401},
		{"", `{"channel":"news","data":1,"key":"` + key + `","api_key":"` + key + `"}`, nil, 401}, {"", body, map[string]string{"Cookie": "X-API-Key=" + key}, 401}, {"", body, map[string]string{"X-API-Key": ""}, 401},
	} {
		if status, answer := call(t, s, "POST", "/api/publish"+row.path, row.body, row.header); status != row.status {
			t.Errorf("%s %v: %d %s, want %d", row.path, row.header, status, answer, row.status)
		}
	}
}

// TestForeignHostWithAuthentication: names need not be checked any more where everybody is asked who they are.
func TestForeignHostWithAuthentication(t *testing.T) {
	s := startServer(t, authConfig())
	if status, _ := call(t, s, "GET", "/api/info", "", map[string]string{"Host": "push.example", "X-API-Key": apiKey["X-API-Key"]}); status != 200 {
		t.Errorf("status %d", status)
	}
}

func TestPublicAddressNeedsAuthentication(t *testing.T) {
	cfg := authConfig()
	cfg.Addr = "0.0.0.0:0"
	if err := cfg.Check(); err != nil {
		t.Error(err)
	}
	cfg.Auth.Keys[0].Secret = nil
	cfg.ChannelsPerConn = -1
	if err := cfg.Check(); err == nil || !strings.Contains(err.Error(), "needs a secret") || !strings.Contains(err.Error(), "channels per connection") {
		t.Error(err)
	}
}

// lockedBuffer is a log's.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// TestTokensAreNotLogged: neither a good nor a bad token, nor a key, ever stands in a log.
func TestTokensAreNotLogged(t *testing.T) {
	var logged lockedBuffer
	cfg := authConfig()
	cfg.Logger = slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s := startServer(t, cfg)
	token := mint(t, time.Now(), nil)
	greetWith(t, s, token).conn.Close()
	dial(t, s, "/ws?token="+token+"x", "").wantGoodbye(native.CloseBadToken, "invalid_token")
	dialRaw(t, s, handshake(s, "/ws/raw?channel=none:1&token="+token, "")).conn.Close()
	call(t, s, "GET", "/nothing?token="+token, "", nil)
	call(t, s, "POST", "/api/publish?token="+token, "{", apiKey)
	logged.mu.Lock()
	defer logged.mu.Unlock()
	if text := logged.text.String(); strings.Contains(text, token[:20]) || strings.Contains(text, apiKey["X-API-Key"]) {
		t.Error(text)
	}
}
