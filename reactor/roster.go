package reactor

import "slices"

// roster is a dense slice of members that can be served over several turns while members come and go.
//
// While it is in use, its indexes do not move: a removed member leaves a tombstone, the zero M, and a new one goes to the
// end. A publication that arrived when the roster had n slots is for the members in the first n, and no others: so
// nobody is skipped, nobody is served twice, and nobody gets what was published before it came. When nothing refers to
// indexes any more, the holes are closed and removal swaps the last member in.
//
// It knows no sockets, so that random sequences of operations can be tried on it alone.
type roster[M comparable] struct {
	slots []M
	live  int
	inUse bool
	moved func(m M, index int) // tells a member of its new index
}

// add puts m at the end and returns its index.
func (r *roster[M]) add(m M) int {
	r.slots = append(r.slots, m)
	r.live++
	return len(r.slots) - 1
}

// remove takes out the member at index.
func (r *roster[M]) remove(index int) {
	var none M
	r.live--
	if r.inUse {
		r.slots[index] = none
		return
	}
	last := len(r.slots) - 1
	if index != last {
		r.slots[index] = r.slots[last]
		r.moved(r.slots[index], index)
	}
	r.slots[last] = none
	r.slots = r.slots[:last]
	r.shrink()
}

func (r *roster[M]) holes() int { return len(r.slots) - r.live }

// compact closes the holes and keeps the order. Each of the bounds, which ascend, is a number of leading slots; it is
// changed to mean the same members as before.
func (r *roster[M]) compact(bounds []*int) {
	var none M
	kept := 0
	for i, m := range r.slots {
		for len(bounds) > 0 && *bounds[0] == i {
			*bounds[0] = kept
			bounds = bounds[1:]
		}
		if m == none {
			continue
		}
		if kept != i {
			r.slots[kept] = m
			r.moved(m, kept)
		}
		kept++
	}
	for _, b := range bounds { // those at the very end
		*b = kept
	}
	clear(r.slots[kept:])
	r.slots = r.slots[:kept]
	r.shrink()
}

// shrink gives memory back once three quarters of it are unused, so that a topic that was large once does not stay so.
func (r *roster[M]) shrink() {
	if c := cap(r.slots); c > 64 && len(r.slots) < c/4 {
		r.slots = slices.Clip(append(make([]M, 0, c/2), r.slots...))
	}
}
