package demo

import (
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func TestPageIsSelfContained(t *testing.T) {
	if n := strings.Count(page, "<style") + strings.Count(page, "<script"); n != 2 {
		t.Fatalf("%d style and script elements, want one each: the policy names one hash each", n)
	}
	for _, pattern := range []string{`(src|href)="(https?:)?//`, `@import`, `url\(`, ` on[a-z]+="`, ` style="`} {
		if found := regexp.MustCompile(pattern).FindString(page); found != "" {
			t.Errorf("%q is not allowed by the page's own policy", found)
		}
	}
}

func TestPolicy(t *testing.T) {
	for host, want := range map[string]string{
		"localhost:8080":         "connect-src 'self' ws://localhost:8080 wss://localhost:8080;",
		"[::1]:8080":             "connect-src 'self' ws://[::1]:8080 wss://[::1]:8080;",
		"a; script-src *; x-src": "connect-src 'self';",
	} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest("GET", "http://localhost/", nil)
		r.Host = host
		Handler().ServeHTTP(w, r)
		policy := w.Header().Get("Content-Security-Policy")
		if !strings.Contains(policy, want) || strings.Contains(policy, "unsafe") || strings.Count(policy, "sha256-") != 2 {
			t.Errorf("Host %q: policy %q", host, policy)
		}
	}
}
