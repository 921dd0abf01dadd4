package jetstream

import "time"

// span reads a part of a channel's past, page by page. Each page begins with what the one before has ended with: if that is still there, nothing behind
// it has gone meanwhile, since the oldest go first.
type span struct {
	// Immutable.
	log       *log
	is        *identity
	from, to  uint64 // the first exclusive, the last inclusive
	most      int    // records
	mostBytes int64  // of their data
	atLeast   int    // of them there is one, whatever its bytes
	among     int    // where it is not 0: it is about the last so many, without those that are older than age
	age       time.Duration
	newest    bool // keeps the last ones that fit, rather than end with the first that does not
	done      func(error)

	// Owned by whoever reads; one page is read at a time.
	records  []record // behind from, up to to
	bytes    int64
	last     uint64 // that was seen up to to; from before there is one
	total    int64  // what there was behind from in the beginning
	anchored bool   // from is a message, and was there
	full     bool   // there is more than was asked for
	broken   bool   // something has gone while it was read
	skip     int64  // that come before those that it is about
	passed   uint64 // the last that is not among records, and comes before them; 0: none
	begun    bool
}

// read reads on. done is called once.
func (s *span) read() {
	at := s.from
	if s.begun {
		at = s.last
	}
	most := batch
	if s.among == 0 {
		most = min(batch, s.most-len(s.records)+2)
	}
	s.log.engine.fetch(s.log.stream, s.log.subject(s.is), at, most, func(p page, err error) {
		if err == nil && s.take(p) {
			s.read()
			return
		}
		s.done(err)
	})
}

// take takes a page; it tells whether there is more to read.
func (s *span) take(p page) (more bool) {
	found := len(p.records) > 0
	if !s.begun {
		s.begun = true
		s.anchored = found && p.records[0].seq == s.from
		s.total = int64(len(p.records)) + p.more
		if s.anchored {
			s.total--
		}
		if s.among > 0 {
			s.skip = max(0, s.total-int64(s.among))
		}
	} else if !found || p.records[0].seq != s.last {
		s.broken = true
		return false
	}
	progress := false
	for i := range p.records {
		r := &p.records[i]
		if r.seq > s.to {
			return false
		}
		if r.seq <= max(s.last, s.from) {
			continue
		}
		if !s.add(r) {
			s.full = true
			return false
		}
		s.last, progress = r.seq, true
	}
	if s.last == 0 {
		s.last = s.from
	}
	return p.more > 0 && (progress || s.anchored && len(p.records) == 1)
}

// add keeps a record; it is false where that is too much.
func (s *span) add(r *record) bool {
	if s.skip > 0 || s.among > 0 && tooOld(s.log, s.age, r) {
		s.skip, s.passed = max(0, s.skip-1), r.seq
		return true
	}
	bytes := int64(len(r.Data))
	for s.newest && len(s.records) > 0 && (len(s.records) >= s.most || s.bytes+bytes > s.mostBytes) {
		first := &s.records[0]
		s.bytes, s.passed = s.bytes-int64(len(first.Data)), first.seq
		*first = record{} // its data can go
		s.records = s.records[1:]
	}
	if s.newest {
		s.bytes += bytes
		s.records = append(s.records, *r)
		return true
	}
	if len(s.records) >= s.most || s.bytes+bytes > s.mostBytes && len(s.records) >= s.atLeast {
		return false
	}
	s.bytes += bytes
	s.records = append(s.records, *r)
	return true
}

// prove tells whether nothing behind from has gone, where from is no message: a place where a channel had none. There are fewer than the stream keeps, and
// a message that was there no later is not too old yet.
func (s *span) prove(done func(bool)) {
	is := s.log.stream.presently(s.is)
	switch {
	case s.total >= is.perSubject || s.from < is.raised || s.from != 0 && s.from+1 < is.first: // the last is of another epoch
		done(false)
	case is.maxAge == 0:
		done(true)
	default:
		all := s.is.in + ">"
		s.log.engine.fetch(s.log.stream, all, s.from, 1, func(p page, err error) {
			young := func(r *record) bool {
				return r.at.After(s.log.engine.config.Now().Add(clockSkew - is.maxAge))
			}
			done(err == nil && len(p.records) > 0 && p.records[0].seq <= s.from+1 && young(&p.records[0]))
		})
	}
}
