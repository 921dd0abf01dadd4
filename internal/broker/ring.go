package broker

import "sort"

// ring holds records in the order of their offsets, the oldest first. The zero value is empty and holds no memory.
type ring struct {
	slots []kept // its length is a power of two, or 0
	head  int    // of the oldest
	n     int
}

// kept is a record, and since when it has been kept: Unix time in nanoseconds.
type kept struct {
	Record
	at int64
}

// at is the i-th oldest.
func (r *ring) at(i int) *kept { return &r.slots[(r.head+i)&(len(r.slots)-1)] }

// push appends k.
func (r *ring) push(k kept) {
	if r.n == len(r.slots) {
		r.resize(max(4, 2*r.n))
	}
	r.n++
	*r.at(r.n - 1) = k
}

// pop takes the oldest out.
func (r *ring) pop() Record {
	oldest := r.at(0)
	record := oldest.Record
	*oldest = kept{}
	r.head = (r.head + 1) & (len(r.slots) - 1)
	r.n--
	return record
}

// fit gives storage back that a burst has left. It writes nothing where there is nothing to give.
func (r *ring) fit() {
	switch {
	case r.n == 0 && r.slots != nil:
		*r = ring{}
	case len(r.slots) > 16 && r.n <= len(r.slots)/4:
		r.resize(len(r.slots) / 2)
	}
}

func (r *ring) resize(size int) {
	slots := make([]kept, size)
	for i := range r.n {
		slots[i] = *r.at(i)
	}
	r.slots, r.head = slots, 0
}

// after is the index of the first record with an offset above that; n where there is none.
func (r *ring) after(offset uint64) int {
	return sort.Search(r.n, func(i int) bool { return r.at(i).Offset > offset })
}

// records copies those from an index to another, exclusive.
func (r *ring) records(from, to int) []Record {
	if from == to {
		return nil
	}
	list := make([]Record, 0, to-from)
	for i := from; i < to; i++ {
		list = append(list, r.at(i).Record)
	}
	return list
}
