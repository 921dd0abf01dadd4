package api

import (
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/wsedge/wsedge/internal/dialect/native"
	"github.com/wsedge/wsedge/internal/jsonobject"
)

const (
	// maxBodyBytes bounds a request's body.
	maxBodyBytes = 1 << 20
	// bodyTimeout bounds the time in which it must have come: a slow sender holds a goroutine and a buffer.
	bodyTimeout = 5 * time.Second
)

// readObject reads a body that is exactly one JSON object.
func readObject(w http.ResponseWriter, r *http.Request) ([]byte, *native.Error) {
	if e := r.Header.Get("Content-Encoding"); e != "" && e != "identity" {
		return nil, &native.Error{Code: native.CodeBadRequest, Message: "the body must not be compressed"}
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTimeout)) // a recorder in a test has none
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBodyBytes))
	if err != nil {
		if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
			return nil, &native.Error{Code: native.CodeTooLarge, Message: "the body is larger than 1 MiB"}
		}
		return nil, &native.Error{Code: native.CodeBadRequest, Message: "the body did not come whole"}
	}
	if err := jsonobject.Check(body); err != nil {
		return nil, native.TextError(err)
	}
	return body, nil
}
