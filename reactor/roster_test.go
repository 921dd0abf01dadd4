package reactor

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// rosterModel does what a roster does, by lists that are copied whole.
type rosterModel struct {
	t       *testing.T
	rng     *rand.Rand
	roster  roster[int]
	index   map[int]int // of each member, as the roster told it
	nextID  int
	pending []publication
	serving *publication
	cursor  int
	got     map[int][]int // publications that each member was served
	due     map[int][]int // publications that it must be served, in order
}

type publication struct {
	id  int
	end int
}

func TestRosterRandomSequences(t *testing.T) {
	for seed := range uint64(100) {
		m := &rosterModel{t: t, rng: rand.New(rand.NewPCG(seed, 1)),
			index: map[int]int{}, got: map[int][]int{}, due: map[int][]int{}}
		m.roster.moved = func(id, index int) { m.index[id] = index }
		for step := range 500 {
			m.step()
			if t.Failed() {
				t.Fatalf("seed %d, step %d", seed, step)
			}
		}
		m.finish()
		if t.Failed() {
			t.Fatalf("seed %d, at the end", seed)
		}
	}
}

func (m *rosterModel) step() {
	switch m.rng.IntN(10) {
	case 0, 1, 2:
		m.nextID++
		m.index[m.nextID] = m.roster.add(m.nextID)
	case 3, 4:
		m.removeOne()
	case 5, 6:
		m.publish()
	default:
		m.serve(1 + m.rng.IntN(8))
	}
	m.check()
}

func (m *rosterModel) removeOne() {
	ids := m.members()
	if len(ids) == 0 {
		return
	}
	id := ids[m.rng.IntN(len(ids))]
	m.roster.remove(m.index[id])
	delete(m.index, id)
	// It need not get any more, but what it got must be in order.
	m.due[id] = m.got[id]
}

func (m *rosterModel) publish() {
	m.nextID++
	m.pending = append(m.pending, publication{m.nextID, len(m.roster.slots)})
	m.roster.inUse = true
	for id := range m.index {
		m.due[id] = append(m.due[id], m.nextID)
	}
}

// serve does what group.take and group.settle do.
func (m *rosterModel) serve(n int) {
	if m.serving == nil {
		if len(m.pending) == 0 {
			return
		}
		m.serving, m.pending, m.cursor = &m.pending[0], slices.Clone(m.pending[1:]), 0
	}
	for range n {
		if m.cursor == m.serving.end {
			break
		}
		if id := m.roster.slots[m.cursor]; id != 0 {
			m.got[id] = append(m.got[id], m.serving.id)
		}
		m.cursor++
	}
	if m.cursor == m.serving.end {
		m.serving = nil
		if len(m.pending) == 0 || m.rng.IntN(2) == 0 {
			var bounds []*int
			for i := range m.pending {
				bounds = append(bounds, &m.pending[i].end)
			}
			m.roster.compact(bounds)
			m.roster.inUse = len(m.pending) > 0
		}
	}
}

func (m *rosterModel) members() []int {
	var ids []int
	for id := range m.index {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

func (m *rosterModel) check() {
	if m.roster.live != len(m.index) {
		m.t.Errorf("live %d, want %d", m.roster.live, len(m.index))
	}
	for id, i := range m.index {
		if m.roster.slots[i] != id {
			m.t.Errorf("member %d is not at its index %d", id, i)
		}
	}
	if !m.roster.inUse && m.roster.holes() > 0 {
		m.t.Errorf("%d holes in a roster that nothing refers to", m.roster.holes())
	}
}

func (m *rosterModel) finish() {
	for m.serving != nil || len(m.pending) > 0 {
		m.serve(1000)
	}
	for id, due := range m.due {
		if !slices.Equal(m.got[id], due) {
			m.t.Errorf("member %d was served %v, want %v", id, m.got[id], due)
		}
	}
}

func TestRosterGivesMemoryBack(t *testing.T) {
	r := roster[int]{moved: func(int, int) {}}
	for i := range 10_000 {
		r.add(i + 1)
	}
	for len(r.slots) > 10 {
		r.remove(0)
	}
	if cap(r.slots) > 64 {
		t.Errorf("room for %d members is kept for 10", cap(r.slots))
	}
}
