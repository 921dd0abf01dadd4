package reactor

import "time"

// LoopWait is how long the loop that has waited longest for its turn has been waiting by now: milliseconds under load, more where a
// handler blocks, or the machine stands still. 0 where no loop waits. Safe from any goroutine; it waits for none of them.
func (s *Server) LoopWait() time.Duration {
	var longest time.Duration
	now := s.cfg.now()
	for _, l := range s.knownLoops() {
		if since := l.inbox.tickSince(); !since.IsZero() {
			longest = max(longest, now.Sub(since))
		}
	}
	return longest
}

// tickSince is when the tick became due that the loop has not taken yet; zero: it has taken all. Safe from any goroutine.
func (in *inbox) tickSince() time.Time {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed {
		return time.Time{}
	}
	return in.tick
}
