package api

import (
	"context"
	"net/http"

	"github.com/wsedge/wsedge/internal/auth"
	"github.com/wsedge/wsedge/internal/broker"
)

// Requester is who made a request, for logs. It belongs to the goroutine of the request.
type Requester struct {
	// Key is the name of the API key, "" until a good one was seen, and where none is needed.
	Key string
}

// requesterKey is the key of a request's *Requester in its context.
type requesterKey struct{}

// WithRequester has the API note who makes the request.
func WithRequester(r *http.Request) (*http.Request, *Requester) {
	c := new(Requester)
	return r.WithContext(context.WithValue(r.Context(), requesterKey{}, c)), c
}

// requesterOf is the one of the context; nil where nobody wants to know.
func requesterOf(ctx context.Context) *Requester {
	c, _ := ctx.Value(requesterKey{}).(*Requester)
	return c
}

// identify notes whose key the request has.
func (c *Requester) identify(backend *auth.Backend) {
	if c != nil {
		c.Key = backend.Name
	}
}

// key is what identify has noted.
func (c *Requester) key() string {
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

// publishAndTell is publishTo, and tells of the publication, or of why there is none, whoever wants to know.
func (h *handler) publishAndTell(name string, p *publication) (broker.Result, error) {
	result, err := h.publishTo(name, p)
	if err == nil && p.receipt && !result.Repeated && h.config.Receipts != nil {
		result.Receipt = h.config.Receipts(name, result)
	}
	if h.config.Pushed == nil {
		return result, err
	}
	pushed := Pushed{Channel: name, Key: requesterOf(p.trace).key(), Data: p.data, Result: result}
	if err != nil {
		pushed.Error = translate(err).Code
	}
	h.config.Pushed(pushed)
	return result, err
}
