package api

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/wsedge/wsedge/internal/auth"
	"github.com/wsedge/wsedge/internal/dialect/native"
	"github.com/wsedge/wsedge/internal/jsonobject"
)

// Clients are those connected to the nodes that share an engine. What methods do to connections they do behind the back of the caller, within a turn of
// their loops; they wait for other nodes, for a bounded time.
type Clients interface {
	// Disconnect closes connections.
	Disconnect(t Target) Reached
	// Revoke closes connections, and refuses what comes later, too. Its time is zero. auth.ErrFull: nothing was revoked; ErrNotKept.
	Revoke(r auth.Revocation) (Reached, error)

	// Subscribe and Unsubscribe are carried out on each connection of the target, and the client is told. It is no token.
	Subscribe(t Target, channels []string) Reached
	Unsubscribe(t Target, channels []string) Reached

	// Inspect tells of the target's connections, of most of them at once; more says that there are others, and missing how many nodes did not answer.
	Inspect(t Target, most int) (clients []Client, more bool, missing int)
}

// Reached is how many connections something was done with.
type Reached struct {
	Conns   int
	Missing int // how many nodes did not answer in time: what became of it there is not known
}

// ErrNotKept says that a revocation is in force here and at nodes that could be told, but is not stored for others: the engine is away. That is tried on.
var ErrNotKept = errors.New("api: the revocation is not stored yet")

// maxTargetBytes bounds the name of a user, a client or a token.
const maxTargetBytes = 255

// disconnect serves POST /api/disconnect: by user, client or token.
func (h *handler) disconnect(w http.ResponseWriter, body []byte) {
	kind, name, err := target(body, "user", "client", "token")
	if err != nil {
		fail(w, http.StatusBadRequest, err)
		return
	}
	replyReached(w, "disconnected", h.config.Clients.Disconnect(newTarget(kind, name)))
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
	what := auth.Revocation{User: name}
	if kind == "token" {
		what = auth.Revocation{Token: name}
	}
	closed, failure := h.config.Clients.Revoke(what)
	switch {
	case errors.Is(failure, auth.ErrFull):
		fail(w, http.StatusServiceUnavailable, &native.Error{Code: native.CodeLimit, Message: "too many revocations are remembered; nothing was revoked"})
	case failure != nil:
		fail(w, http.StatusServiceUnavailable, &native.Error{
			Code: native.CodeUnavailable, Message: "revoked on this node, and on those that could be told; the engine does not keep it for the others yet: repeat it, to be sure",
		})
	default:
		replyReached(w, "disconnected", closed)
	}
}

// replyReached answers with how many, under that name.
func replyReached(w http.ResponseWriter, name string, r Reached) {
	answer := strconv.AppendInt(append(append([]byte(`{"`), name...), `":`...), int64(r.Conns), 10)
	reply(w, http.StatusOK, append(appendMissing(answer, r.Missing), '}'))
}

// appendMissing appends the member that says how many nodes have not answered, if any.
func appendMissing(answer []byte, missing int) []byte {
	if missing == 0 {
		return answer
	}
	return strconv.AppendInt(append(answer, `,"missing":`...), int64(missing), 10)
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
