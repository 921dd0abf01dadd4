package jetstream

import (
	"time"

	"github.com/wsedge/wsedge/internal/broker"
)

// ageMargin is added to how long a namespace's history is kept, so that what has to be proven about the past can be: age is enforced when it is read. clockSkew
// is how far the clocks of servers and nodes may be apart.
const (
	ageMargin = 2 * time.Minute
	clockSkew = 30 * time.Second
)

// bareAge is how long the last publication of a channel without history is kept. It shows that nothing is missing behind it.
const bareAge = time.Hour

// identity is what a stream is, as far as its limits and the epoch go. It is not to be changed.
type identity struct {
	epoch      string
	perSubject int64         // publications of a channel that are kept
	maxAge     time.Duration // 0: however long
	raised     uint64
	first      uint64 // the lowest sequence that it could have
	in, out    string // what subjects begin with: where publications go, and where they come back
}

// limits are what a stream has to keep.
type limits struct {
	perSubject int64
	maxAge     time.Duration // 0: however long
}

// limitsOf is what it takes to keep that: one more than promised, which proves that nothing is missing behind it.
func limitsOf(r broker.Retention) limits {
	switch {
	case r.Size == 0:
		return limits{1, bareAge}
	case r.Age == 0:
		return limits{int64(r.Size) + 1, 0}
	}
	return limits{int64(r.Size) + 1, max(r.Age+ageMargin, bareAge)}
}

// limits are what the stream keeps.
func (is *identity) limits() limits { return limits{is.perSubject, is.maxAge} }

// cover tells whether l keeps everything that other does.
func (l limits) cover(other limits) bool {
	return l.perSubject >= other.perSubject && (l.maxAge == 0 || other.maxAge != 0 && l.maxAge >= other.maxAge)
}

// with keeps what both do.
func (l limits) with(other limits) limits {
	both := limits{max(l.perSubject, other.perSubject), max(l.maxAge, other.maxAge)}
	if l.maxAge == 0 || other.maxAge == 0 {
		both.maxAge = 0
	}
	return both
}
