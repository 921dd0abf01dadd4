package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/dialect/native"
)

// receiptTimeout is how long a request waits for receipts, all of them together. A loop's turn takes milliseconds: where they are not
// there by then the node is in trouble, and the caller better knows that than waits.
const receiptTimeout = 2 * time.Second

// receiptState is what an answer says of a receipt that was asked for.
type receiptState string

const (
	receiptComplete receiptState = "complete" // the numbers are final
	receiptPartial  receiptState = "partial"  // they are what was known in time
	receiptRepeated receiptState = "repeated" // there are none: the idempotency key is known, and nothing was published
)

// receiptMember reads whether a receipt is wanted.
func receiptMember(value []byte) (bool, *native.Error) {
	switch string(value) {
	case "", "false":
		return false, nil
	case "true":
		return true, nil
	}
	return false, &native.Error{Code: native.CodeBadRequest, Message: "receipt must be true or false"}
}

// patience is how much longer a request waits for receipts. It belongs to the goroutine of the request.
type patience struct {
	over  <-chan struct{} // the client has gone
	left  time.Duration
	trace context.Context // of the command that is being carried out: what its publications are a part of
}

// wait waits until the receipt is done, but no longer than there is patience.
func (p *patience) wait(r broker.Result) {
	if r.Receipt == nil {
		return
	}
	select {
	case <-r.Receipt.Done():
		return
	default:
	}
	began := time.Now()
	timeout := time.NewTimer(p.left)
	defer timeout.Stop()
	select {
	case <-r.Receipt.Done():
	case <-timeout.C:
	case <-p.over:
	}
	p.left = max(p.left-time.Since(began), 0)
}

// patienceKey is the key of a batch's *patience in the context of its commands.
type patienceKey struct{}

// withPatience is for the commands of a batch: they have what one request has.
func withPatience(r *http.Request) *http.Request {
	p := &patience{over: r.Context().Done(), left: receiptTimeout}
	return r.WithContext(context.WithValue(r.Context(), patienceKey{}, p))
}

// patient is post for methods that wait for receipts.
func (h *handler) patient(serve func(w http.ResponseWriter, body []byte, patience *patience)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, ofBatch := r.Context().Value(patienceKey{}).(*patience)
		if !ofBatch {
			p = &patience{over: r.Context().Done(), left: receiptTimeout}
		}
		p.trace = r.Context()
		h.post(func(w http.ResponseWriter, body []byte) { serve(w, body, p) }).ServeHTTP(w, r)
	})
}

// NodesReceipt is a receipt of several nodes.
type NodesReceipt interface {
	broker.Receipt
	// Missing is how many nodes have not answered in time, or not with all, once the receipt is done.
	Missing() int
}

// missingOf is how many nodes a receipt lacks.
func missingOf(r broker.Receipt) int {
	if nodes, ok := r.(NodesReceipt); ok {
		return nodes.Missing()
	}
	return 0
}

// readReceipt is what a receipt says now.
func readReceipt(r broker.Receipt) (state receiptState, matched, queued, dropped int) {
	state = receiptPartial
	select {
	case <-r.Done():
		if missingOf(r) == 0 {
			state = receiptComplete
		}
	default:
	}
	matched, queued, dropped = r.Counts()
	return state, matched, queued, dropped
}

// appendReceipt appends the members of an answer that are about a receipt.
func appendReceipt(dst []byte, state receiptState, queued, dropped int) []byte {
	if dst = append(append(append(dst, `,"receipt":"`...), state...), '"'); state == receiptRepeated {
		return dst
	}
	dst = strconv.AppendInt(append(dst, `,"queued":`...), int64(queued), 10)
	return strconv.AppendInt(append(dst, `,"dropped":`...), int64(dropped), 10)
}
