package api

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/wsedge/wsedge/internal/auth"
	"github.com/wsedge/wsedge/internal/dialect/native"
	"github.com/wsedge/wsedge/internal/jsonobject"
)

// Clients are those connected to the node. Each method returns how many connections it closes; they are closed behind its back, within
// a turn of their loops.
type Clients interface {
	DisconnectUser(user string) int
	DisconnectClient(id string) int
	DisconnectToken(id string) int
	// RevokeUser and RevokeToken refuse what comes later, too. auth.ErrFull: nothing was revoked.
	RevokeUser(user string) (int, error)
	RevokeToken(id string) (int, error)

	// Subscribe and Unsubscribe return how many connections the target has; on each of them it is carried out, and the client told, soon.
	Subscribe(t Target, channels []string) (reached int)
	Unsubscribe(t Target, channels []string) (reached int)

	// Inspect tells of the target's connections, of most of them at once; more says that there are others.
	Inspect(t Target, most int) (clients []Client, more bool)
}

// maxTargetBytes bounds the name of a user, a client or a token.
const maxTargetBytes = 255

// disconnect serves POST /api/disconnect: by user, client or token.
func (h *handler) disconnect(w http.ResponseWriter, body []byte) {
	kind, name, err := target(body, "user", "client", "token")
	if err != nil {
		fail(w, http.StatusBadRequest, err)
		return
	}
	closed := 0
	switch kind {
	case "user":
		closed = h.config.Clients.DisconnectUser(name)
	case "client":
		closed = h.config.Clients.DisconnectClient(name)
	case "token":
		closed = h.config.Clients.DisconnectToken(name)
	}
	replyClosed(w, closed)
}

// revoke serves POST /api/revoke: by user or token.
func (h *handler) revoke(w http.ResponseWriter, body []byte) {
	if h.config.Backend == nil {
		fail(w, http.StatusBadRequest, &native.Error{Code: native.CodeBadRequest, Message: "there are no tokens without authentication"})
		return
	}
	kind, name, err := target(body, "user", "token")
	if err != nil {
		fail(w, http.StatusBadRequest, err)
		return
	}
	act := h.config.Clients.RevokeUser
	if kind == "token" {
		act = h.config.Clients.RevokeToken
	}
	closed, failure := act(name)
	if errors.Is(failure, auth.ErrFull) {
		fail(w, http.StatusServiceUnavailable, &native.Error{Code: native.CodeLimit, Message: "too many revocations are remembered; nothing was revoked"})
		return
	}
	replyClosed(w, closed)
}

func replyClosed(w http.ResponseWriter, closed int) {
	reply(w, http.StatusOK, append(strconv.AppendInt([]byte(`{"disconnected":`), int64(closed), 10), '}'))
}

// target reads which one of the kinds a body names.
func target(body []byte, kinds ...string) (kind, name string, err *native.Error) {
	found := 0
	for key, value := range jsonobject.Members(body) {
		for _, k := range kinds {
			if string(key) != k {
				continue
			}
			found++
			var ok bool
			if kind = k; found == 1 {
				name, ok = jsonobject.String(value)
			}
			if !ok || name == "" || len(name) > maxTargetBytes {
				found = 2
			}
		}
	}
	if found != 1 {
		wanted := kinds[0]
		for _, k := range kinds[1:] {
			wanted += " or " + k
		}
		return "", "", &native.Error{Code: native.CodeBadRequest, Message: "name exactly one " + wanted + ", a string of 1 to 255 bytes"}
	}
	return kind, name, nil
}
