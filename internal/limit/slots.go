package limit

import "sync/atomic"

// Slots bound what goes on at once. The zero value is ready. Safe from any goroutine.
type Slots struct{ used atomic.Int64 }

// Take takes a slot, unless most are taken already. Each that was taken is to be given back.
func (s *Slots) Take(most int) bool {
	if s.used.Add(1) > int64(most) {
		s.used.Add(-1)
		return false
	}
	return true
}

// Give gives a slot back.
func (s *Slots) Give() { s.used.Add(-1) }
