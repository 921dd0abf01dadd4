package console

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/wsedge/wsedge/internal/auth"
)

// maxLoginBytes bounds the body of a login: a key has at most 512 characters.
const maxLoginBytes = 4 << 10

// logins counts attempts.
type logins struct{ ok, unauthorized, forbidden, rate atomic.Int64 }

// Logins is how many attempts to log in there were, by what became of them.
func (c *Console) Logins() map[string]int64 {
	return map[string]int64{
		"ok": c.logins.ok.Load(), "unauthorized": c.logins.unauthorized.Load(), "permission_denied": c.logins.forbidden.Load(), "rate": c.logins.rate.Load(),
	}
}

// serveLogin exchanges an API key for a cookie. Keys are guessed no faster here than at the API: an address from which too many bad ones
// came is refused before its key is looked at.
func (c *Console) serveLogin(w http.ResponseWriter, r *http.Request) {
	login := c.config.Login
	if wait, ok := login.MayTry(r); !ok {
		c.logins.rate.Add(1)
		w.Header().Set("Retry-After", strconv.Itoa(max(1, int((wait+time.Second-1)/time.Second))))
		fail(w, http.StatusTooManyRequests, "rate", "too many attempts from this address; try again in a moment")
		return
	}
	var body struct{ Key string }
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxLoginBytes))
	if err != nil || json.Unmarshal(text, &body) != nil {
		fail(w, http.StatusBadRequest, "bad_json", "want {\"key\":\"…\"}")
		return
	}
	backend := login.Backend(body.Key)
	if backend == nil {
		login.Failed(r)
		c.logins.unauthorized.Add(1)
		fail(w, http.StatusUnauthorized, "unauthorized", "no such API key")
		return
	}
	if !admits(backend) {
		c.logins.forbidden.Add(1)
		fail(w, http.StatusForbidden, "permission_denied", "the console needs a key with the scope read (or all) that is not restricted to channels")
		return
	}
	c.logins.ok.Add(1)
	id, ended := c.sessions.begin(backend, login.Now())
	if ended != "" {
		login.Ended(ended)
	}
	c.config.Logger.Info("console login", "key", backend.Name, "address", r.RemoteAddr)
	http.SetCookie(w, c.cookie(r, id, int(sessionLife/time.Second)))
	reply(w, http.StatusOK, struct{}{})
}

// admits tells whether a key opens the console, which shows all of the node.
func admits(backend *auth.Backend) bool {
	return backend.Allows(auth.ScopeRead) && !backend.Restricted()
}

func (c *Console) serveLogout(w http.ResponseWriter, r *http.Request) {
	for _, cookie := range r.CookiesNamed(c.cookieName()) {
		if ended := c.sessions.end(cookie.Value); ended != "" {
			c.config.Login.Ended(ended)
		}
	}
	http.SetCookie(w, c.cookie(r, "", -1))
	reply(w, http.StatusOK, struct{}{})
}

// visit is who a request comes from: without a login anybody; nil for who is not logged in. What the key opens is what it opens now.
func (c *Console) visit(r *http.Request) *Visit {
	login := c.config.Login
	if login == nil {
		return &Visit{}
	}
	cookies := r.CookiesNamed(c.cookieName())
	if len(cookies) != 1 {
		return nil
	}
	visit, ok := c.sessions.find(cookies[0].Value, login.Now())
	if !ok {
		return nil
	}
	if visit.Backend = login.Current(visit.Backend); visit.Backend == nil || !admits(visit.Backend) {
		return nil
	}
	return &visit
}

// Recheck ends the logins whose keys are gone, or open less than before, once keys have been replaced: what they have opened, the page's
// WebSocket, has the rights that the key had then.
func (c *Console) Recheck() {
	login := c.config.Login
	if login == nil {
		return
	}
	now := func(before *auth.Backend) *auth.Backend {
		current := login.Current(before)
		if current == nil || !admits(current) || slices.ContainsFunc(before.Scopes(), func(s auth.Scope) bool { return !current.Allows(s) }) {
			return nil
		}
		return current
	}
	for _, id := range c.sessions.replaceKeys(now) {
		login.Ended(id)
	}
}

// Open tells whether the login with that ID of its Visit has not ended.
func (c *Console) Open(id string) bool { return c.sessions.open(id) }

func (c *Console) cookieName() string { return "wsedge_console_" + c.config.Node }

// cookie is one that no script reads and no other site has sent, and that goes over TLS only if it came so.
func (c *Console) cookie(r *http.Request, value string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name: c.cookieName(), Value: value, Path: "/console/", MaxAge: maxAge, HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: r.TLS != nil,
	}
}
