package webhook

import "time"

// failAbandoned is why a question was not put to the backend: nobody waits for the answer any more.
const failAbandoned = "abandoned"

// questionState is how far a question has come.
type questionState uint8

const (
	refusedEntry questionState = iota // never under way: too many are, or the circuit is open
	queued
	sent      // a worker has it
	abandoned // while queued
	answered
)

// Question is something that the backend is asked. Safe from any goroutine.
type Question struct {
	// Immutable after Ask.
	client   *Client
	settings *settings // what it is asked by
	event    Event
	body     []byte
	since    time.Time
	done     func(Verdict)
	trial    bool // of the circuit

	// Guarded by the client's mu.
	state questionState
	known bool   // the backend may have heard it, and has not refused
	then  func() // of Abandon
}

// Abandon says that the client that the question is about has gone: the backend is not asked, if it has not been yet. then is called,
// at once or when the answer has come, if the backend may believe that the client is there: not where it was never asked, or has
// refused. It must not block.
func (q *Question) Abandon(then func()) {
	q.client.mu.Lock()
	switch q.state {
	case queued:
		q.state = abandoned
		then = nil
	case sent:
		q.then = then
		then = nil
	case answered:
		if !q.known {
			then = nil
		}
	case refusedEntry, abandoned:
		then = nil
	}
	q.client.mu.Unlock()
	if then != nil {
		then()
	}
}

func (q *Question) withdrawn() bool {
	q.client.mu.Lock()
	defer q.client.mu.Unlock()
	return q.state == abandoned
}

// end says that the question is answered, and returns what is to be called then. Called with the client's mu held.
func (q *Question) end(v Verdict) (then func()) {
	if q.state == sent {
		q.known = v.Allow || v.Failed
		q.state = answered
	}
	if q.known {
		then = q.then
	}
	q.then = nil
	return then
}
