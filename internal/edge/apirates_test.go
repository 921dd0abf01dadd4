package edge

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/wsedge/wsedge/internal/auth"
)

func apiKeys(keys ...auth.APIKey) *auth.Config { return &auth.Config{APIKeys: keys} }

// Each key has a rate of its own, in which the commands of a batch count, and which a reload does not give anew.
func TestRateOfAPIKeys(t *testing.T) {
	clock := newStillClock()
	first := auth.APIKey{Name: "first", Secret: "first-0123456789", Scopes: []auth.Scope{auth.ScopeAll}, Rate: 2}
	second := auth.APIKey{Name: "second", Secret: "second-0123456789", Scopes: []auth.Scope{auth.ScopeAll}}
	s := startServer(t, Config{Auth: apiKeys(first, second), now: clock.Now})
	ask := func(key, path, body string) (int, string) {
		t.Helper()
		return call(t, s, "POST", path, body, map[string]string{"X-API-Key": key})
	}
	const body = `{"channel":"a","data":1}`
	const one = `{"method":"publish","params":` + body + `}`
	if status, answer := ask(first.Secret, "/api/batch", `{"commands":[`+one+`,`+one+`,`+one+`,`+one+`,`+one+`]}`); status != 200 ||
		strings.Count(answer, `"status":200`) != 4 || strings.Count(answer, `{"status":429,"reply":{"type":"error","code":"rate",`) != 1 {
		t.Errorf("%d %s", status, answer)
	}
	if err := s.Reconfigure(Config{Auth: apiKeys(first, second)}); err != nil {
		t.Fatal(err)
	}
	if status, answer := ask(first.Secret, "/api/publish", body); status != 429 || !strings.Contains(answer, `"code":"rate"`) {
		t.Errorf("%d %s", status, answer)
	}
	for range 10 {
		if status, answer := ask(second.Secret, "/api/publish", body); status != 200 {
			t.Fatalf("another key: %d %s", status, answer)
		}
	}
	clock.pass(500 * time.Millisecond)
	if status, answer := ask(first.Secret, "/api/publish", body); status != 200 {
		t.Errorf("half a second later: %d %s", status, answer)
	}
	if n := s.apiRefused.ByReason()["rate"]; n != 2 || limited(s, "api_rate") != 2 {
		t.Errorf("%d counted", n)
	}
}

// An address that presents wrong keys is not listened to for a while, whatever it presents.
func TestWrongKeysOfAnAddress(t *testing.T) {
	clock := newStillClock()
	key := auth.APIKey{Name: "k", Secret: "right-0123456789", Scopes: []auth.Scope{auth.ScopeAll}}
	s := startServer(t, Config{Auth: apiKeys(key), now: clock.Now})
	status := func(secret string) int {
		t.Helper()
		status, _ := call(t, s, "POST", "/api/publish", `{"channel":"a","data":1}`, map[string]string{"X-API-Key": secret})
		return status
	}
	for range rateSeconds*wrongKeyRate - 1 {
		if got := status("wrong-0123456789"); got != 401 {
			t.Fatalf("a wrong key: %d", got)
		}
	}
	if got := status(key.Secret); got != 200 {
		t.Errorf("the right key: %d", got)
	}
	status("")
	for _, secret := range []string{"wrong-0123456789", key.Secret} {
		if got := status(secret); got != 429 {
			t.Errorf("%s behind too many: %d", secret, got)
		}
	}
	if n := limited(s, "auth_rate"); n != 2 {
		t.Errorf("%d counted", n)
	}
	clock.pass(time.Second / wrongKeyRate)
	if got := status(key.Secret); got != 200 {
		t.Errorf("the right key, when there is room again: %d", got)
	}
	for remote, want := range map[string]bool{"192.0.2.1:80": true, "[2001:db8::1]:80": true, "192.0.2.1": true, "@": false, "": false} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = remote
		if _, ok := requestKey(r); ok != want {
			t.Errorf("%q: %v", remote, ok)
		}
	}
}
