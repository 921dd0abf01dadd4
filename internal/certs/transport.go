package certs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"sync/atomic"
)

// maxAnswer bounds an ACME server's answer. A chain of certificates has some kilobytes.
const maxAnswer = 1 << 20

var errStopped = errors.New("certs: not running")

// transport carries requests to the ACME server. The manager can't be stopped, and keeps to itself why a domain could not be
// validated and why a renewal failed: so requests end with Run here, and what the server objects to is logged.
type transport struct {
	next http.RoundTripper // nil: http.DefaultTransport
	log  *slog.Logger
	life atomic.Pointer[context.Context] // of Run; nil before it
}

// RoundTrip implements http.RoundTripper. It reads the whole answer.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	life := t.life.Load()
	if life == nil || (*life).Err() != nil {
		closeBody(r)
		return nil, errStopped
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(*life, cancel)()
	next := t.next
	if next == nil {
		next = http.DefaultTransport
	}
	resp, err := next.RoundTrip(r.WithContext(ctx))
	if err != nil {
		t.failed(*life, r, err)
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	resp.Body.Close()
	if err != nil {
		t.failed(*life, r, err)
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	if reason := objection(resp.StatusCode, body); reason != "" {
		t.log.Warn("ACME server objects", "url", r.URL.String(), "status", resp.StatusCode, "reason", reason)
	}
	return resp, nil
}

func closeBody(r *http.Request) {
	if r.Body != nil {
		r.Body.Close()
	}
}

func (t *transport) failed(life context.Context, r *http.Request, err error) {
	if life.Err() == nil {
		t.log.Warn("ACME server does not answer", "url", r.URL.String(), "error", err)
	}
}

// objection is what an answer says against the request: a problem document (RFC 7807), or an authorization, challenge or
// order that holds one (RFC 8555, section 7.1).
func objection(status int, body []byte) string {
	type problem struct{ Type, Detail string }
	var answer struct {
		problem
		Status     any // a word, or in a problem the number
		Error      problem
		Challenges []struct{ Error problem }
	}
	readable := json.Unmarshal(body, &answer) == nil
	switch {
	case status >= http.StatusBadRequest && !readable:
		return http.StatusText(status)
	case status >= http.StatusBadRequest:
		if answer.Type == "urn:ietf:params:acme:error:badNonce" {
			return "" // it gives a new one, and the request is made again
		}
		return answer.Detail
	case !readable || answer.Status != "invalid":
		return ""
	}
	for _, c := range answer.Challenges {
		if c.Error.Detail != "" {
			return c.Error.Detail
		}
	}
	return answer.Error.Detail
}
