package api

import (
	"context"
	"net/http"

	"github.com/wsedge/wsedge/internal/auth"
	"github.com/wsedge/wsedge/internal/broker"
)

// Caller is who made a request, for logs. It belongs to the goroutine of the request.
type Caller struct {
	// Key is the name of the API key, "" until a good one was seen, and where none is needed.
	Key string
}

// callerKey is the key of a request's *Caller in its context.
type callerKey struct{}

// WithCaller has the API note who makes the request.
func WithCaller(r *http.Request) (*http.Request, *Caller) {
	c := new(Caller)
	return r.WithContext(context.WithValue(r.Context(), callerKey{}, c)), c
}

// callerOf is the one of the context; nil where nobody wants to know.
func callerOf(ctx context.Context) *Caller {
	c, _ := ctx.Value(callerKey{}).(*Caller)
	return c
}

// identify notes whose key the request has.
func (c *Caller) identify(backend *auth.Backend) {
	if c != nil {
		c.Key = backend.Name
	}
}

// key is what identify has noted.
func (c *Caller) key() string {
	if c == nil {
		return ""
	}
	return c.Key
}

// Pushed is a publication by the API, for logs.
type Pushed struct {
	Channel, Key string // Key is the name of the API key
	Data         []byte // not to be changed
	Result       broker.Result
	Error        string // the dialect's word; "": it was published
}

// tellPushed tells of a publication, or of why there is none, whoever wants to know.
func (h *handler) tellPushed(name string, p *publication, result broker.Result, err error) {
	if h.config.Pushed == nil {
		return
	}
	pushed := Pushed{Channel: name, Key: p.caller.key(), Data: p.data, Result: result}
	if err != nil {
		pushed.Error = translate(err).Code
	}
	h.config.Pushed(pushed)
}
