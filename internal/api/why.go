package api

import (
	"net/http"

	"github.com/wsedge/wsedge/internal/dialect/native"
)

var errNotRecording = &native.Error{
	Code: native.CodeUnavailable, Message: "nothing is recorded: set flight_recorder.enabled in the configuration, and send SIGHUP; it is for connections from then on"}

// why serves POST /api/why: what became of a client, or of the last connections of a user.
func (h *handler) why(w http.ResponseWriter, body []byte) {
	kind, name, err := target(body, "client", "user")
	if err != nil {
		fail(w, http.StatusBadRequest, err)
		return
	}
	client, user := name, ""
	if kind == "user" {
		client, user = "", name
	}
	reports, recording := h.config.Why(client, user)
	if !recording {
		fail(w, http.StatusNotFound, errNotRecording)
		return
	}
	reply(w, http.StatusOK, append(append([]byte(`{"clients":`), reports...), '}'))
}
