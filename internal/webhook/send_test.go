package webhook

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestBadBackends has one wrong in every way that has a name.
func TestBadBackends(t *testing.T) {
	canary := startBackend(t, func(http.ResponseWriter, *http.Request) { t.Error("a redirect was followed") })
	body := func(size int64) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(w, io.LimitReader(endless{}, size))
		}
	}
	for name, row := range map[string]struct {
		backend http.HandlerFunc
		reason  string
	}{
		"status 500": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(500)
			_, _ = io.WriteString(w, `{"allow":true}`)
		}, failStatus},
		"status 404":      {http.NotFound, failRejected},
		"status 429":      {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(429) }, failStatus},
		"status 204":      {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }, failAnswer},
		"redirect":        {http.RedirectHandler(canary.URL, http.StatusFound).ServeHTTP, failRedirect},
		"kept method":     {http.RedirectHandler(canary.URL, http.StatusTemporaryRedirect).ServeHTTP, failRedirect},
		"metadata":        {http.RedirectHandler("http://169.254.169.254/latest/", http.StatusPermanentRedirect).ServeHTTP, failRedirect},
		"no JSON":         {say("ok"), failAnswer},
		"a page":          {say("<html>log in</html>"), failAnswer},
		"nothing decided": {say("{}"), failAnswer},
		"the limit":       {body(maxAnswerBytes), failAnswer},
		"above the limit": {body(maxAnswerBytes + 1), failTooLarge},
		"1 GiB":           {body(1 << 30), failTooLarge},
		"huge head": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X", strings.Repeat("x", 1<<20))
		}, failNetwork},
		"cut off": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `{"allow":true}`)
		}, failNetwork},
		"hang up": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, failNetwork},
	} {
		t.Run(name, func(t *testing.T) {
			backend := startBackend(t, row.backend)
			c := startClient(t, Config{URL: backend.URL})
			if v := ask(t, c, Connect, Occasion{}); v.Allow || !v.Failed || v.Code != codeUnavailable {
				t.Errorf("%+v", v)
			}
			if s := c.Stats(); s.Failures[row.reason] != 1 || len(s.Failures) != 1 || s.Asked[Outcome{Connect, Failed}] != 1 {
				t.Errorf("%+v", s)
			}
		})
	}
}

// endless is a reader of nothing but x.
type endless struct{}

func (endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 'x'
	}
	return len(b), nil
}

func TestPolicyOnFailure(t *testing.T) {
	c := startClient(t, Config{URL: startBackend(t, http.NotFound).URL, OnFailure: OnFailure{Allow: Events{Publish}}})
	if v := ask(t, c, Publish, Occasion{Data: []byte("1")}); !v.Allow || !v.Failed {
		t.Errorf("publish: %+v", v)
	}
	if v := ask(t, c, Subscribe, Occasion{}); v.Allow || !v.Failed {
		t.Errorf("subscribe: %+v", v)
	}
}

// TestBackendWithTLS wants the certificate verified.
func TestBackendWithTLS(t *testing.T) {
	backend := httptest.NewUnstartedServer(say(`{"allow":true}`))
	backend.Config.ErrorLog = discard
	backend.StartTLS()
	t.Cleanup(backend.Close)
	stranger := startClient(t, Config{URL: backend.URL})
	if v := ask(t, stranger, Connect, Occasion{}); v.Allow || stranger.Stats().Failures[failNetwork] != 1 {
		t.Errorf("an unknown authority: %+v, %+v", v, stranger.Stats())
	}
	friend := startClient(t, Config{URL: backend.URL, TLS: backend.Client().Transport.(*http.Transport).TLSClientConfig})
	if v := ask(t, friend, Connect, Occasion{}); !v.Allow {
		t.Errorf("%+v, %+v", v, friend.Stats())
	}
}

func TestNobodyListens(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	c := startClient(t, Config{URL: "http://" + l.Addr().String()})
	if v := ask(t, c, Connect, Occasion{}); v.Allow || c.Stats().Failures[failNetwork] != 1 {
		t.Errorf("%+v, %+v", v, c.Stats())
	}
}

// TestNoProxy has the environment name one.
func TestNoProxy(t *testing.T) {
	proxy := startBackend(t, func(http.ResponseWriter, *http.Request) { t.Error("the proxy was asked") })
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"} {
		t.Setenv(name, proxy.URL)
	}
	c := startClient(t, Config{URL: startBackend(t, say(`{"allow":true}`)).URL})
	if v := ask(t, c, Connect, Occasion{}); !v.Allow {
		t.Errorf("%+v", v)
	}
	if c.current.Load().sender.client.Transport.(*http.Transport).Proxy != nil {
		t.Error("the transport has a proxy")
	}
}
