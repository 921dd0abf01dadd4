package api

import (
	"bytes"
	"io"
	"net/http"
	"strings"

	"github.com/wsedge/wsedge/internal/auth"
	"github.com/wsedge/wsedge/internal/dialect/native"
	"github.com/wsedge/wsedge/internal/jsonobject"
)

// scopes are what an API key needs for each method. What is not here needs auth.ScopeAll.
var scopes = map[string]auth.Scope{
	"/api/publish": auth.ScopePublish, "/api/broadcast": auth.ScopePublish,
	"/api/subscribe": auth.ScopeManage, "/api/unsubscribe": auth.ScopeManage, "/api/disconnect": auth.ScopeManage, "/api/revoke": auth.ScopeManage,
	"/api/info": auth.ScopeRead, "/api/presence": auth.ScopeRead, "/api/history": auth.ScopeRead, "/api/channels": auth.ScopeRead,
	"/api/client": auth.ScopeRead, "/api/why": auth.ScopeRead,
}

// aboutChannels are the methods that do nothing but with the channels that they name: a key for some channels is good for no others.
var aboutChannels = map[string]bool{
	"/api/publish": true, "/api/broadcast": true, "/api/subscribe": true, "/api/unsubscribe": true, "/api/presence": true, "/api/history": true,
}

var (
	errNoKey    = &native.Error{Code: native.CodeUnauthorized, Message: "an API key is needed: X-API-Key, or Authorization: apikey"}
	errScope    = &native.Error{Code: native.CodePermissionDenied, Message: "the API key does not open this"}
	errChannels = &native.Error{Code: native.CodePermissionDenied, Message: "the API key is not for this channel"}
)

// guard lets only those pass to next who have presented a good key for what they want.
func (h *handler) guard(next http.Handler) http.Handler {
	if h.config.Backend == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		backend := h.authenticate(w, r)
		if backend == nil {
			return
		}
		requesterOf(r.Context()).identify(backend)
		if r.URL.Path == batchPath {
			next.ServeHTTP(w, r) // each command comes by here again
			return
		}
		if !h.withinRate(w, backend) {
			return
		}
		scope, known := scopes[r.URL.Path]
		if !known {
			scope = auth.ScopeAll
		}
		if !backend.Allows(scope) || backend.Restricted() && !aboutChannels[r.URL.Path] {
			h.refused.forbidden.Add(1)
			fail(w, http.StatusForbidden, errScope)
			return
		}
		if backend.Restricted() && !h.admits(backend, w, r) {
			return
		}
		next.ServeHTTP(w, r)
	})
}

// presentedKey is the one key of a request, "" where there is none or more than one. It is looked for in headers only: URLs are logged.
func presentedKey(header http.Header) string {
	keys := header.Values("X-API-Key")
	for _, value := range header.Values("Authorization") {
		if scheme, credentials, _ := strings.Cut(value, " "); strings.EqualFold(scheme, "apikey") {
			keys = append(keys, strings.TrimSpace(credentials))
		}
	}
	if len(keys) != 1 {
		return ""
	}
	return keys[0]
}

// admits tells whether all channels that the request's body names are the key's; one that names none is not. Where they are not, it has
// answered. It reads the body and puts it back: this is about few keys, and stays right for methods that come later.
func (h *handler) admits(backend *auth.Backend, w http.ResponseWriter, r *http.Request) bool {
	body, ok := h.readObject(w, r)
	if !ok {
		return false
	}
	named, ours := 0, true
	look := func(value []byte) {
		name, ok := jsonobject.String(value)
		named++
		ours = ours && ok && backend.AllowsChannel(name)
	}
	for key, value := range jsonobject.Members(body) {
		switch string(key) {
		case "channel":
			look(value)
		case "channels":
			elements, ok := jsonobject.Elements(value)
			ours = ours && ok
			if ok {
				for element := range elements {
					look(element)
				}
			}
		}
	}
	if named == 0 || !ours {
		h.refused.forbidden.Add(1)
		fail(w, http.StatusForbidden, errChannels)
		return false
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return true
}
