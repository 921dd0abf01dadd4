package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
)

// TestWebhooksAreReloadedOnSIGHUP has another backend asked; to begin or to end with one takes a restart, and says so.
func TestWebhooksAreReloadedOnSIGHUP(t *testing.T) {
	const good = "SIGHUP: configuration reloaded"
	backend := func(user string) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"allow":true,"user":"`+user+`"}`)
		}))
		t.Cleanup(s.Close)
		return s.URL
	}
	name := file(t, "")
	secret := filepath.Join(filepath.Dir(name), "hook-secret")
	put(t, secret, []byte("0123456789abcdef"))
	about := func(url string) {
		text := "listen: {admin_addr: 127.0.0.1:0}\n"
		if url != "" {
			text += "webhook: {url: '" + url + "', events: [connect], secret_file: " + secret + ", allow_nets: [127.0.0.0/8]}\n"
		}
		put(t, name, []byte(text))
	}
	about(backend("first"))
	p := launch(t, "serve", "--config", name)
	if got := p.welcome("/ws"); !strings.Contains(got, `"user":"first"`) {
		t.Error(got)
	}
	about(backend("second"))
	p.hangUp(good, 1)
	if got := p.welcome("/ws"); !strings.Contains(got, `"user":"second"`) {
		t.Error(got)
	}
	about("")
	p.hangUp(good, 2)
	if got := p.welcome("/ws"); !strings.Contains(got, `"user":"second"`) {
		t.Error(got)
	}
	if log := p.logged(); !strings.Contains(log, `SIGHUP: not changed, that needs a restart" key=webhook.url`) {
		t.Error(log)
	}
	put(t, secret, []byte("short"))
	about(backend("third"))
	p.hangUp("SIGHUP: configuration not reloaded, the old one stays", 2) // a line about the file, and one about what is missing then
}
