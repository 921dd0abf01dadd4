package api

import (
	"net/http"

	"github.com/wsedge/wsedge/internal/dialect/native"
)

var errNotRecording = &native.Error{
	Code: native.CodeUnavailable, Message: "nothing is recorded: set flight_recorder.enabled in the configuration, and send SIGHUP; it is for connections from then on"}

// why serves POST /api/why: what became of a client, or of the last connections of a user.
func (h *handler) why(w http.ResponseWriter, body []byte) {
	t, err := targetOf(body)
	if err != nil {
		fail(w, http.StatusBadRequest, err)
		return
	}
	reports, recording, missing := h.config.Why(t.Client, t.User)
	if !recording {
		fail(w, http.StatusNotFound, errNotRecording)
		return
	}
	reply(w, http.StatusOK, append(appendMissing(append([]byte(`{"clients":`), reports...), missing), '}'))
}
