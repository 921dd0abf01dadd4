package broker

import "errors"

// ErrAhead says that something was acknowledged that has not been published.
var ErrAhead = errors.New("broker: nothing was published at that offset")

// Start is where a subscription of a user begins. The cursor goes to At if it still is as the query's answer said: otherwise another
// subscription of the user has begun meanwhile, or acknowledged something, and what that one may miss must not be taken for
// acknowledged.
type Start struct {
	// Epoch is that of the answer's Position.
	Epoch string
	// Was is the answer's Cursor.
	Was *uint64
	// At is up to where the subscriber misses nothing that it has not been told of. It is not above the answer's Position.
	At uint64
}

// StartOf is the start of a subscriber that has been at since, or nil, and was given past. A new cursor begins at since, where that is good; one that
// there is stays, unless what is behind it can't be had: who is told so begins anew at the position.
func StartOf(since *Position, past *Past) Start {
	start := Start{Epoch: past.Position.Epoch, Was: past.Cursor, At: past.Position.Offset}
	switch at := past.Cursor; {
	case at != nil && (past.Exact || since.counts(*at, past.Position.Epoch)):
		start.At = *at
	case past.Exact && since != nil:
		start.At = since.Offset
	}
	return start
}

// counts tells whether a position, nil for none, counts beside a cursor of that epoch: who is behind the cursor, or was in another epoch, misses what others of
// the user may have acknowledged.
func (p *Position) counts(cursor uint64, epoch string) bool {
	return p != nil && (p.Epoch != epoch || p.Offset < cursor)
}

// Earlier is from where a subscription recovers: the cursor, or since if that counts beside it.
func Earlier(since *Position, cursor Position) *Position {
	if since.counts(cursor.Offset, cursor.Epoch) {
		return since
	}
	return &cursor
}

// Hold is a cursor in the hands of a subscription: the engine forgets others first.
type Hold interface {
	// Release ends it. It must be called once, and from any goroutine.
	Release()
}
