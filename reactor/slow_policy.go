package reactor

import (
	"fmt"
	"slices"
	"strings"
	"time"
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

// slowness is a policy and an age in ticks, 0 for none, as a Topic keeps them: one value, so that both change together.
func slowness(policy SlowPolicy, maxAge uint32) uint64 { return uint64(maxAge)<<8 | uint64(policy) }

func (t *Topic) slowness() (policy SlowPolicy, maxAge uint32) {
	s := t.slow.Load()
	return SlowPolicy(s), uint32(s >> 8)
}

func (t *Topic) policy() SlowPolicy { policy, _ := t.slowness(); return policy }
func (t *Topic) maxAge() uint32     { _, maxAge := t.slowness(); return maxAge }

// SetSlow changes what TopicOptions.Policy and MaxAge say, for what waits already, too: it is judged by what counts when its conn is looked
// at. It does nothing and returns false where Suspend would begin or end: notices of gaps, which may be on their way, promise there that
// what is missing will be brought. Safe from any goroutine.
func (t *Topic) SetSlow(policy SlowPolicy, maxAge time.Duration) bool {
	next := slowness(policy, ticksOrNone(maxAge))
	if policy == Suspend && t.srv.cfg.OnResume == nil {
		next = slowness(DropOldest, ticksOrNone(maxAge)) // as NewTopic has it
	}
	for {
		was := t.slow.Load()
		if (SlowPolicy(was) == Suspend) != (SlowPolicy(next) == Suspend) {
			return false
		}
		if t.slow.CompareAndSwap(was, next) {
			return true
		}
	}
}
