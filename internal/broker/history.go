package broker

import "time"

// What every engine remembers of idempotency keys, per channel. In memory a key takes some 200 B, and all keys of a node
// are bounded as MemoryConfig says.
const (
	// KeyLife is for how long.
	KeyLife = 5 * time.Minute
	// MaxKeys is of how many publications; above it the oldest is forgotten early.
	MaxKeys = 1000
)

// Retention is how much of a channel's past is kept. The zero value is nothing.
type Retention struct {
	// Size is how many publications; 0: none.
	Size int
	// Age is for how long; 0: however long.
	Age time.Duration
	// Cursors is how many users have one, which tells what they have acknowledged; 0: none.
	Cursors int
}

// Record is a publication in its place in the log. It is shared, and not to be changed.
type Record struct {
	*Publication
	Offset uint64
	Prev   uint64 // offset of the publication before it
}

// RecoverQuery asks for what a subscriber misses.
type RecoverQuery struct {
	// Since is a position up to which it has seen everything; nil: it is new.
	Since *Position
	// MaxBytes bounds the data of what it may miss, and Limit the number of publications, where it is not 0. Above either there is no
	// exact answer.
	MaxBytes int64
	Limit    int
	// Latest asks for the last publication where there is no exact answer.
	Latest bool
	// User is whose cursor counts: where there is one, it takes the place of a Since that is not lower, and of the same epoch. Empty for nobody's.
	User string
}

// HistoryQuery asks for a part of the history.
type HistoryQuery struct {
	// Since asks for the oldest publications behind that position; nil for the newest that there are.
	Since *Position
	// Limit bounds how many publications are read, and MaxBytes their data; the first is read however large it is.
	Limit    int
	MaxBytes int64
}

// Past is what was read of a log: all of it belongs to one instant.
type Past struct {
	// Position is the log's.
	Position Position
	// Exact tells that nothing is missing between the Since of the query and the first of Publications; where there is none,
	// that nothing was published since.
	//
	// The answer to a RecoverQuery holds either everything up to Position, and is Exact, or nothing, but for the latest. That to a
	// HistoryQuery holds what there is; where it is not Exact, from the oldest on.
	Exact bool
	// Cursor is the one of the query's user; nil where it has none.
	Cursor *uint64
	// Publications are in the order of their offsets.
	Publications []Record
}
