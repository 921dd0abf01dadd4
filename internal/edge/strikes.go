package edge

import "time"

// A client may send maxStrikes - 1 bad messages in strikeWindow, and live.
const (
	maxStrikes   = 10
	strikeWindow = 10 * time.Second
)

// strikes remembers when the last bad messages of a client came. nil: there was none, as with most clients.
type strikes struct {
	times [maxStrikes]time.Time // a ring
	next  int
}

// add counts a bad message at now, and tells whether it is one too many: the maxStrikes-th within strikeWindow.
func (s *strikes) add(now time.Time) bool {
	s.times[s.next] = now
	s.next = (s.next + 1) % maxStrikes
	oldest := s.times[s.next] // maxStrikes - 1 before this one
	return !oldest.IsZero() && now.Sub(oldest) <= strikeWindow
}
