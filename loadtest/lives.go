package loadtest

import (
	"slices"
	"sort"
)

// Where connections end and come back, a place in the ledger has one life after the other. The rules:
//
//   - A life begins when its subscription is confirmed here. It is owed what is intended for that time or later: that was
//     surely published after it. On another machine the time is later by as much as its clock may be wrong. What was intended earlier may have been under way at that moment. If it comes, it is counted
//     (BeforeLife), and neither expected nor wrong.
//   - A life that lasts to the end of the run is owed all that was acknowledged.
//   - A life that ended before is owed what the last that it got has overtaken: a hole in the middle is a loss, but behind
//     the last delivery there is no telling what was still on its way to a connection that is no more.
//   - Within a life, nothing may come twice, nor after a later one of the same publisher, whenever it is from. Lives know
//     nothing of each other.
//
// As a publisher sends in the order of the intended times, what a life is owed by it is a range of sequences; where that
// begins is known for certain at the end, from the publishers' own lists.
//
// A place keeps its topic in all of its lives; with several topics, "publisher" is a stream of that topic. At the end,
// everything is by stream.

// endedLife is what remains of a life that has ended, for one stream that it heard of: 48 bytes until the accounts are
// settled.
type endedLife struct {
	ready  int64 // in ns after the epoch
	holes  []span
	stream uint32
	next   uint32
	slow   bool // it is not to be counted among the healthy
}

// withLives prepares a ledger for subscribers that come back: 4 more bytes for each of them and each publisher.
func (l *ledger) withLives() *ledger {
	l.floor, l.unsure = make([]uint32, len(l.next)), map[uint64]uint32{}
	return l
}

// begin opens a life. floor gives a lower bound for the first sequence of a stream that it is owed.
func (l *ledger) begin(subscriber int, floor func(stream int) uint32) {
	for publisher := range l.publishers {
		key := subscriber*l.publishers + publisher
		l.floor[key] = floor(l.stream(subscriber, publisher))
		l.next[key] = l.floor[key]
	}
}

// end closes a life that was ready at that time.
func (l *ledger) end(subscriber int, ready int64, slow bool) {
	for publisher := range l.publishers {
		key := subscriber*l.publishers + publisher
		if l.next[key] > l.floor[key] {
			stream := uint32(l.stream(subscriber, publisher))
			l.ended = append(l.ended, endedLife{ready, l.holes[uint64(key)], stream, l.next[key], slow})
		}
		for _, h := range l.holes[uint64(key)] { // what they hold of lost deliveries is told at the end
			l.missing -= l.surely(key, h)
		}
		l.closeGap(uint64(key))
		delete(l.unsure, uint64(key))
		l.next[key], l.floor[key] = 0, 0
		delete(l.holes, uint64(key))
		delete(l.early, uint64(key))
	}
}

// raise says that the life is owed nothing before that sequence.
func (l *ledger) raise(subscriber, publisher int, floor uint32) {
	key := subscriber*l.publishers + publisher
	l.floor[key] = max(l.floor[key], floor)
	l.next[key] = max(l.next[key], floor)
}

// noteEarly records the arrival of a publication from before the life, and so that all its publisher sent before it is from
// before the life, too. It returns false for a duplicate.
func (l *ledger) noteEarly(subscriber, publisher int, sequence uint32) bool {
	index := subscriber*l.publishers + publisher
	seen := l.early[uint64(index)]
	late := l.next[index] > l.floor[index]
	for _, s := range seen {
		if sequence >= s.from && sequence < s.to {
			l.counts.Duplicated++
			return false
		}
		late = late || sequence < s.from
	}
	if late {
		l.counts.Reordered++
	}
	if n := len(seen); n > 0 && seen[n-1].to == sequence {
		seen[n-1].to++
	} else {
		l.early[uint64(index)] = append(seen, span{sequence, sequence + 1})
	}
	l.raise(subscriber, publisher, sequence+1)
	l.counts.BeforeLife++
	return true
}

// settleEnded closes the accounts of the lives that have ended: of the slow ones, or of the others.
func (l *ledger) settleEnded(totals []publisherTotals, slow bool) {
	for _, e := range l.ended {
		if e.slow == slow && int(e.stream) < len(totals) {
			t := totals[e.stream]
			l.account(int(e.stream), t, span{t.owedSince(e.ready + l.doubt), min(e.next, t.Sent)}, e.holes)
		}
	}
}

// owedSince is the first sequence that was intended for that time or later.
func (t *publisherTotals) owedSince(ready int64) uint32 {
	return uint32(sort.Search(len(t.Times), func(i int) bool { return t.Times[i] >= ready }))
}

// publicationSums adds up, for each publication, how many lives were owed it and how many did not get it. A nil one does
// nothing.
type publicationSums struct {
	// By stream and sequence, as differences to the sequence before.
	owes, lacks, gone [][]int32
}

func newPublicationSums(totals []publisherTotals) *publicationSums {
	s := &publicationSums{}
	for _, t := range totals {
		s.owes = append(s.owes, make([]int32, t.Sent+1))
		s.lacks = append(s.lacks, make([]int32, t.Sent+1))
		s.gone = append(s.gone, make([]int32, t.Sent+1))
	}
	return s
}

func (s *publicationSums) owed(stream int, h span) {
	if s != nil {
		s.owes[stream][h.from]++
		s.owes[stream][h.to]--
	}
}

func (s *publicationSums) unrecovered(stream int, h span) {
	if s != nil {
		s.gone[stream][h.from]++
		s.gone[stream][h.to]--
	}
}

func (s *publicationSums) lost(stream int, h span) {
	if s != nil {
		s.lacks[stream][h.from]++
		s.lacks[stream][h.to]--
	}
}

// into puts the sums into the records of what arrived, and completes those with what arrived nowhere.
func (s *publicationSums) into(records [][]publicationRecord, totals []publisherTotals) {
	for stream, t := range totals {
		for len(records[stream]) < int(t.Sent) {
			records[stream] = append(records[stream], publicationRecord{})
		}
		owed, lost, gone := int32(0), int32(0), int32(0)
		for sequence := range t.Sent {
			owed += s.owes[stream][sequence]
			lost += s.lacks[stream][sequence]
			gone += s.gone[stream][sequence]
			if _, unknown := slices.BinarySearch(t.Unknown, sequence); unknown {
				continue
			}
			r := &records[stream][sequence]
			r.Owed, r.Lost, r.Unrecovered = uint32(owed), uint32(lost), uint32(gone)
		}
	}
}
