package reactor

import (
	"fmt"
	"slices"
	"strings"
)

// SlowPolicy decides what happens to a publication for a conn whose outbound queue is full.
type SlowPolicy uint8

const (
	// Disconnect closes the conn as slow. What it lost, it can know.
	Disconnect SlowPolicy = iota
	// DropOldest drops the oldest waiting publications of the same topic.
	DropOldest
	// DropNewest drops the publication that does not fit.
	DropNewest
	// KeepLatest drops all waiting publications of the same topic but the newest.
	KeepLatest
	// Suspend drops all waiting publications of the same topic, and takes the conn out of it: it gets nothing more of the topic until
	// all that waits for it has gone out and Config.OnResume is called, which can bring it up to date by a Joining. So nothing
	// overtakes what was dropped. Without Config.OnResume it is DropOldest.
	Suspend
)

var policyNames = []string{Disconnect: "disconnect", DropOldest: "drop-oldest", DropNewest: "drop-newest", KeepLatest: "keep-latest", Suspend: "suspend"}

// String returns the name that UnmarshalText reads.
func (p SlowPolicy) String() string {
	if int(p) >= len(policyNames) {
		return "unknown"
	}
	return policyNames[p]
}

// MarshalText implements encoding.TextMarshaler.
func (p SlowPolicy) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads "disconnect", "drop-oldest", "drop-newest", "keep-latest" or "suspend".
func (p *SlowPolicy) UnmarshalText(text []byte) error {
	i := slices.Index(policyNames, string(text))
	if i < 0 {
		return fmt.Errorf("%q is none of %s", text, strings.Join(policyNames, ", "))
	}
	*p = SlowPolicy(i)
	return nil
}

// dropReason is the reason under which the policy's drops are counted.
func (p SlowPolicy) dropReason() DropReason {
	switch p {
	case DropOldest:
		return DropOldestFirst
	case DropNewest:
		return DropNewestFirst
	case KeepLatest:
		return DropConflated
	case Suspend:
		return DropSuspended
	default:
		return DropSlow
	}
}
