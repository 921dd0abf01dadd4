package api

import (
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/wsedge/wsedge/internal/dialect/native"
	"github.com/wsedge/wsedge/internal/jsonobject"
	"github.com/wsedge/wsedge/internal/limit"
)

const (
	// maxBodyBytes bounds a request's body.
	maxBodyBytes = 1 << 20
	// bodyTimeout bounds the time in which it must have come: a slow sender holds a goroutine and a buffer.
	bodyTimeout = 5 * time.Second
)

var (
	errCompressed = &native.Error{Code: native.CodeBadRequest, Message: "the body must not be compressed"}
	errTooLarge   = &native.Error{Code: native.CodeTooLarge, Message: "the body is larger than 1 MiB"}
	errNotWhole   = &native.Error{Code: native.CodeBadRequest, Message: "the body did not come whole"}
)

// readObject reads a body that is exactly one JSON object. Where ok is false it has answered.
func (h *handler) readObject(w http.ResponseWriter, r *http.Request) (body []byte, ok bool) {
	if e := r.Header.Get("Content-Encoding"); e != "" && e != "identity" {
		h.refuseBody(w, http.StatusUnsupportedMediaType, errCompressed)
		return nil, false
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTimeout)) // a recorder in a test has none
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBodyBytes))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		h.refuseBody(w, http.StatusRequestEntityTooLarge, errTooLarge)
		return nil, false
	}
	if err != nil {
		h.refuseBody(w, http.StatusBadRequest, errNotWhole)
		return nil, false
	}
	if err := jsonobject.Check(body); err != nil {
		fail(w, http.StatusBadRequest, native.TextError(err))
		return nil, false
	}
	return body, true
}

// refuseBody answers, and counts, what bounds bodies.
func (h *handler) refuseBody(w http.ResponseWriter, status int, err *native.Error) {
	if h.config.Limits.Refused != nil {
		h.config.Limits.Refused(limit.APIBody)
	}
	fail(w, status, err)
}
