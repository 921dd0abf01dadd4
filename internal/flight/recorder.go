package flight

import (
	"sync"
	"time"
)

// Recorder keeps the Flights of the connections of a node, and of those that have ended lately. A nil Recorder records nothing and knows
// nothing. Safe from any goroutine.
type Recorder struct {
	now    func() time.Time // immutable
	shards [numShards]shard
	ends   ends
}

// numShards is how many locks the table of connections has. Each is held for a copy of less than 256 bytes.
const numShards = 64

// shard holds the Flights whose clients' slots, the low 32 bits of their numbers, leave the same remainder.
type shard struct {
	// Guarded by mu.
	mu      sync.Mutex
	flights []*Flight // by slot / numShards; nil: none
}

// New makes a Recorder that remembers up to so many connections that have ended; now is its clock.
func New(ends int, now func() time.Time) *Recorder {
	r := &Recorder{now: now}
	r.SetEnds(ends)
	return r
}

// find is the shard of a client, and the place of its Flight there.
func (r *Recorder) find(number uint64) (*shard, int) {
	slot := uint32(number)
	return &r.shards[slot%numShards], int(slot / numShards)
}

// flight is that of a client; nil: there is none. The shard's lock is held.
func (s *shard) flight(number uint64, place int) *Flight {
	if place >= len(s.flights) || s.flights[place] == nil || s.flights[place].number != number {
		return nil
	}
	return s.flights[place]
}

// Open begins the record of a client, by its number: a slot, which has one client at a time, in the low 32 bits, and how often it was used
// in the high ones.
func (r *Recorder) Open(number uint64) {
	if r == nil {
		return
	}
	f := &Flight{number: number, opened: r.now().UnixMilli()}
	s, place := r.find(number)
	s.mu.Lock()
	defer s.mu.Unlock()
	for place >= len(s.flights) {
		s.flights = append(s.flights, nil)
	}
	s.flights[place] = f
}

// Note adds an event that happens now to the record of a client, if there is one. Of a Count of 0 it makes 1.
func (r *Recorder) Note(number uint64, e Event) {
	if r == nil {
		return
	}
	e.Count = max(e.Count, 1)
	now := r.now().UnixMilli()
	s, place := r.find(number)
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.flight(number, place); f != nil {
		f.note(now-f.opened, e)
	}
}

// Close ends the record of a client, if there is one, and keeps it among the last ones.
func (r *Recorder) Close(number uint64, end End) {
	if r == nil {
		return
	}
	now := r.now().UnixMilli()
	s, place := r.find(number)
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.flight(number, place); f != nil { // both under the lock: who asks meanwhile finds it here or there
		r.ends.add(newEnded(f, end, now))
		s.flights[place] = nil
	}
}

// Client is what is known of a client; false where that is nothing, because it was never recorded or is forgotten.
func (r *Recorder) Client(number uint64) (Report, bool) {
	if r == nil {
		return Report{}, false
	}
	s, place := r.find(number)
	s.mu.Lock()
	f := s.flight(number, place)
	var now Flight
	if f != nil {
		now = *f
	}
	s.mu.Unlock()
	if f != nil {
		return now.report(r.now()), true
	}
	if e := r.ends.find(number); e != nil {
		return e.report(), true
	}
	return Report{}, false
}

// User is what is known of the connections of a user that have ended, the last first, at most limit of them.
func (r *Recorder) User(user string, limit int) (reports []Report) {
	if r == nil {
		return nil
	}
	for _, e := range r.ends.of(user, limit) {
		reports = append(reports, e.report())
	}
	return reports
}

// SetEnds changes how many connections are remembered that have ended.
func (r *Recorder) SetEnds(n int) { r.ends.bound(n) }
