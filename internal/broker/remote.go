package broker

import (
	"errors"
	"time"
)

// ErrTooLarge says that the engine takes no publication of that size.
var ErrTooLarge = errors.New("broker: larger than the engine takes")

// Unavailable is an error of an engine that depends on others.
type Unavailable struct {
	// Reason is for whoever asked: what is the matter.
	Reason string
	// Maybe tells that a publication may have been made. With an idempotency key it is safe to repeat.
	Maybe bool
}

func (u *Unavailable) Error() string { return "broker: " + u.Reason }

// Remote is an engine that depends on others, and has nodes beside this one.
type Remote interface {
	Broker
	// Health is that of the connection.
	Health() Health
	// RemoteStats is a snapshot.
	RemoteStats() RemoteStats
}

// Health says whether an engine can be reached.
type Health struct {
	Up    bool
	Since time.Time
	// Starting: it could not be used yet since this node began, be it up or not: its servers may have no leader yet.
	Starting bool
	// Why it is down: the last error; empty where none is known.
	Why string
}

// RemoteStats say what an engine has done on this node since it began, and what is under way.
type RemoteStats struct {
	Reconnects int64 // connections made after the first
	Received   int64 // messages that were sent to this node
	Slow       int64 // times that messages were dropped because this node did not take them in time
	Holes      int64 // messages with another missing before them
	Tails      int64 // channels that were found to be behind
	Fetched    int64 // messages read because they were missing
	Gaps       int64 // gaps announced: what was missing was not there any more, or could not be proven to be all
	Duplicates int64 // messages that had been delivered already, and were dropped
	Rollbacks  int64 // times that the engine was found to have lost what it had acknowledged, and began anew
	Stalls     int64 // times that a node had no room for a publication, which it takes later
	// CursorReads, CursorWrites: of what users have acknowledged. CursorConflicts: writes that found another's, and were done again. CursorFailures: reads
	// and writes that were not answered, or refused; writes are tried again.
	CursorReads, CursorWrites, CursorConflicts, CursorFailures int64
	// Wildcards that this node hears, channels that are followed for them alone, and publications of channels beyond those, which are delivered
	// without anybody looking for what is missing before them.
	Wildcards          int
	Tracked, Untracked int64
	// Pending publications that have not been answered for, and their bytes.
	Pending      int
	PendingBytes int64
	// Failed publications, by reason.
	Failed map[string]int64
}
