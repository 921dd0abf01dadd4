package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Error is a refusal by the server, in its own words.
type Error struct {
	Status     int // of HTTP; 0 for an error over WebSocket
	Code       string
	Message    string
	RetryAfter time.Duration // 0: the server has not said when to come back
}

// Error implements error.
func (e *Error) Error() string {
	text := e.Code
	if e.Message != "" {
		text += ": " + e.Message
	}
	if e.Status != 0 {
		text += fmt.Sprintf(" (HTTP %d)", e.Status)
	}
	if e.RetryAfter > 0 {
		text += fmt.Sprintf("; try again in %v", e.RetryAfter)
	}
	return text
}

// Unanswered says that no answer came.
type Unanswered struct {
	Server string
	Err    error
	Sent   bool // the request may have been carried out
}

// Error implements error.
func (u *Unanswered) Error() string {
	if !u.Sent {
		return fmt.Sprintf("no connection to %s: %v", u.Server, u.Err)
	}
	return fmt.Sprintf("no answer from %s: %v; it may have been carried out all the same", u.Server, u.Err)
}

// Unwrap gives the cause.
func (u *Unanswered) Unwrap() error { return u.Err }

// unanswered says what became of a request without an answer; connected tells whether there was a connection to send it by.
func (c *Client) unanswered(err error, connected bool) *Unanswered {
	if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
		err = wrapped.Err // the URL is the server's, which stands there already
	}
	u := &Unanswered{Server: c.server, Err: err, Sent: connected}
	timeout := net.Error(nil)
	switch failed := (*net.OpError)(nil); {
	case errors.As(err, &failed) && failed.Op == "dial":
		u.Err = failed.Err
	case errors.As(err, &failed) && failed.Op == "remote error":
		u.Sent = false // with TLS 1.3 the server may refuse our certificate when we take the handshake for done
	case errors.As(err, &timeout) && timeout.Timeout():
		u.Err = fmt.Errorf("nothing within %v", c.timeout)
	}
	return u
}

// maxWordBytes bounds a word that is an answer.
const maxWordBytes = 100

// judge returns the answer of a success, and the error of a refusal.
func (c *Client) judge(response *http.Response, answer []byte) ([]byte, error) {
	var object struct{ Type, Code, Message string }
	isObject := len(answer) > 0 && answer[0] == '{' && json.Unmarshal(answer, &object) == nil
	if response.StatusCode == http.StatusOK && isObject {
		return answer, nil
	}
	if isObject && object.Code != "" {
		e := &Error{Status: response.StatusCode, Code: object.Code, Message: object.Message}
		if seconds, err := strconv.ParseUint(response.Header.Get("Retry-After"), 10, 16); err == nil {
			e.RetryAfter = time.Duration(seconds) * time.Second
		}
		return nil, e
	}
	if 300 <= response.StatusCode && response.StatusCode < 400 {
		return nil, fmt.Errorf("%s answers with HTTP %d to %q, which is not followed: name the server itself", c.server, response.StatusCode, response.Header.Get("Location"))
	}
	if len(answer) <= maxWordBytes && len(answer) > 0 && strings.Trim(string(answer), "abcdefghijklmnopqrstuvwxyz_") == "" {
		return nil, &Error{Status: response.StatusCode, Code: string(answer)} // the word of what stands before the API, such as foreign_host
	}
	return nil, fmt.Errorf("%s answers with HTTP %d, and not as wsedge does: is this its address?", c.server, response.StatusCode)
}
