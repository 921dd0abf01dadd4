package broker

import "errors"

// ErrAhead says that something was acknowledged that has not been published.
var ErrAhead = errors.New("broker: nothing was published at that offset")

// Start is where a subscription of a user begins. The cursor goes to At if it still is as the query's answer said: otherwise another
// subscription of the user has begun meanwhile, or acknowledged something, and what that one may miss must not be taken for
// acknowledged.
type Start struct {
	// Was is the answer's Cursor.
	Was *uint64
	// At is up to where the subscriber misses nothing that it has not been told of. It is not above the answer's Position.
	At uint64
}

// StartOf is the start of a subscriber that has been at since, or nil, and was given past: its cursor stays, or begins at since, where it misses
// nothing. Otherwise it knows that it does, and what counts is the position.
func StartOf(since *Position, past *Past) Start {
	start := Start{Was: past.Cursor, At: past.Position.Offset}
	switch {
	case past.Exact && past.Cursor != nil:
		start.At = *past.Cursor
	case past.Exact && since != nil:
		start.At = since.Offset
	}
	return start
}

// Hold is a cursor in the hands of a subscription: the engine forgets others first.
type Hold interface {
	// Release ends it. It must be called once, and from any goroutine.
	Release()
}
