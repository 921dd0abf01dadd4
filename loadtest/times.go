package loadtest

import "slices"

// timesPart is a part of a stream's intended times, in their order. They are what a life's beginning is looked up in, and come
// to some 13 bytes for each publication: too much for one command to a worker on another machine, of which no more than
// maxBacklog may be on its way.
type timesPart struct {
	Stream int
	Times  []int64
}

// timesAtOnce is how many times one command brings: less than half of maxBacklog, since two may wait, and the last command.
const timesAtOnce = 100_000

// batchesOf cuts the times of all streams into commands.
func batchesOf(totals []publisherTotals) (batches [][]timesPart) {
	room := 0
	for stream, t := range totals {
		for left := t.Times; len(left) > 0; {
			if room == 0 {
				batches, room = append(batches, nil), timesAtOnce
			}
			n := min(room, len(left))
			last := len(batches) - 1
			batches[last] = append(batches[last], timesPart{stream, left[:n]})
			left, room = left[n:], room-n
		}
	}
	return batches
}

// withoutTimes is what the last command has of the totals.
func withoutTimes(totals []publisherTotals) []publisherTotals {
	rest := slices.Clone(totals)
	for i := range rest {
		rest[i].Times = nil
	}
	return rest
}

// publicationTimes is what a worker has been told of the intended times.
type publicationTimes struct {
	byStream map[int][]int64
	taken    int // commands
}

func (p *publicationTimes) take(parts []timesPart) {
	if p.byStream == nil {
		p.byStream = map[int][]int64{}
	}
	for _, part := range parts {
		p.byStream[part.Stream] = append(p.byStream[part.Stream], part.Times...)
	}
	p.taken++
}

// into completes the totals.
func (p *publicationTimes) into(totals []publisherTotals) []publisherTotals {
	for stream := range totals {
		totals[stream].Times = p.byStream[stream]
	}
	return totals
}

// last is when the last publication was intended for; before all where there is none.
func (t *publisherTotals) last() int64 {
	if len(t.Times) == 0 {
		return beforeAll
	}
	return t.Times[len(t.Times)-1]
}
