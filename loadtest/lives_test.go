package loadtest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// naiveLife remembers every delivery of one life from one publisher.
type naiveLife struct {
	publisher int
	ready     int64
	ended     bool
	arrived   []uint32
}

// count applies the rules of lives.go word for word.
func (n *naiveLife) count(t publisherTotals, into *LedgerCounts, owed, lost map[uint32]uint32) {
	seen := map[uint32]bool{}
	last := int64(-1)
	for _, sequence := range n.arrived {
		switch {
		case seen[sequence]:
			into.Duplicated++
			continue
		case int64(sequence) < last:
			into.Reordered++
		}
		seen[sequence] = true
		last = max(last, int64(sequence))
		if t.Times[sequence] < n.ready {
			into.BeforeLife++
		}
	}
	for sequence := range t.Sent {
		unknown := slices.Contains(t.Unknown, sequence)
		switch {
		case t.Times[sequence] < n.ready, n.ended && int64(sequence) > last:
			continue
		case unknown && seen[sequence]:
			into.Unconfirmed++
		case unknown:
		case seen[sequence]:
			into.Expected++
			into.Received++
			owed[sequence]++
		default:
			into.Expected++
			into.Lost++
			owed[sequence]++
			lost[sequence]++
		}
	}
}

// livesModel drives a ledger as a loop does, and remembers everything beside it.
type livesModel struct {
	random  *rand.Rand
	ledger  *ledger
	totals  []publisherTotals
	now     int64
	current []*naiveLife // by subscriber and publisher; nil without a life
	all     []*naiveLife
	known   []uint32 // by publisher: sequences that somebody has got, plus one
}

const (
	modelSubscribers = 5
	modelPublishers  = 2
)

func newLivesModel(seed uint64) *livesModel {
	return &livesModel{
		random: rand.New(rand.NewPCG(seed, 3)), ledger: newLedger(modelSubscribers, modelPublishers).withLives(), now: 1,
		totals: make([]publisherTotals, modelPublishers), known: make([]uint32, modelPublishers),
		current: make([]*naiveLife, modelSubscribers*modelPublishers),
	}
}

func (m *livesModel) publish() {
	t := &m.totals[m.random.IntN(modelPublishers)]
	if m.random.IntN(10) == 0 {
		t.Unknown = append(t.Unknown, t.Sent)
	}
	t.Sent++
	// Some wait, so that many have been intended before a life that they are sent in.
	t.Times = append(t.Times, max(m.now-int64(m.random.IntN(3)), lastTime(t.Times)))
}

func lastTime(times []int64) int64 {
	if len(times) == 0 {
		return 0
	}
	return times[len(times)-1]
}

func (m *livesModel) begin(subscriber int) {
	m.ledger.begin(subscriber, func(publisher int) uint32 {
		floor := uint32(0)
		for sequence := range m.known[publisher] {
			if m.totals[publisher].Times[sequence] < m.now {
				floor = sequence + 1
			}
		}
		return floor - min(floor, uint32(m.random.IntN(2))) // any lower bound will do
	})
	for publisher := range modelPublishers {
		n := &naiveLife{publisher: publisher, ready: m.now}
		m.current[subscriber*modelPublishers+publisher] = n
		m.all = append(m.all, n)
	}
}

func (m *livesModel) end(subscriber int) {
	m.ledger.end(subscriber, m.current[subscriber*modelPublishers].ready, false)
	for publisher := range modelPublishers {
		m.current[subscriber*modelPublishers+publisher].ended = true
		m.current[subscriber*modelPublishers+publisher] = nil
	}
}

func (m *livesModel) deliver(subscriber int) {
	publisher := m.random.IntN(modelPublishers)
	t, n := m.totals[publisher], m.current[subscriber*modelPublishers+publisher]
	if t.Sent == 0 {
		return
	}
	// Mostly the next one, now and then any of the last few.
	sequence := uint32(m.random.IntN(int(t.Sent)))
	if len(n.arrived) > 0 && m.random.IntN(4) > 0 {
		sequence = min(slices.Max(n.arrived)+1, t.Sent-1)
	} else if t.Sent > 4 {
		sequence = t.Sent - 1 - uint32(m.random.IntN(4))
	}
	n.arrived = append(n.arrived, sequence)
	m.known[publisher] = max(m.known[publisher], sequence+1)
	if t.Times[sequence] < n.ready {
		m.ledger.noteEarly(subscriber, publisher, sequence)
		return
	}
	m.ledger.note(subscriber, publisher, sequence)
}

// step does something at random.
func (m *livesModel) step() {
	subscriber := m.random.IntN(modelSubscribers)
	alive := m.current[subscriber*modelPublishers] != nil
	switch k := m.random.IntN(20); {
	case k < 4:
		m.publish()
	case k < 7:
		m.now++
	case !alive:
		m.begin(subscriber)
	case k == 7:
		m.end(subscriber)
	default:
		m.deliver(subscriber)
	}
}

func TestLivesAgainstALedgerThatRemembersEverything(t *testing.T) {
	for seed := range uint64(250) { // of 500 operations each
		m := newLivesModel(seed)
		for range 500 {
			m.step()
		}
		records := make([][]publicationRecord, modelPublishers)
		m.ledger.sums = newPublicationSums(m.totals)
		for subscriber := range modelSubscribers {
			if n := m.current[subscriber*modelPublishers]; n != nil {
				m.ledger.settleSince(subscriber, n.ready, m.totals)
			}
		}
		m.ledger.settleEnded(m.totals, false)
		m.ledger.sums.into(records, m.totals)
		var want LedgerCounts
		owed, lost := [modelPublishers]map[uint32]uint32{}, [modelPublishers]map[uint32]uint32{}
		for p := range modelPublishers {
			owed[p], lost[p] = map[uint32]uint32{}, map[uint32]uint32{}
		}
		for _, n := range m.all {
			n.count(m.totals[n.publisher], &want, owed[n.publisher], lost[n.publisher])
		}
		if m.ledger.counts != want {
			t.Fatalf("seed %d: got %+v, want %+v", seed, m.ledger.counts, want)
		}
		for p, list := range records {
			for sequence, r := range list {
				if r.Owed != owed[p][uint32(sequence)] || r.Lost != lost[p][uint32(sequence)] {
					t.Fatalf("seed %d: publication %d of %d: %+v, want %d owed, %d lost", seed, sequence, p, r, owed[p][uint32(sequence)], lost[p][uint32(sequence)])
				}
			}
		}
	}
}

func TestPortionsAddUp(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for range 1000 {
		all := 1 + random.IntN(500)
		total, sum := random.IntN(all+1), 0
		for first := 0; first < all; {
			n := 1 + random.IntN(all-first)
			sum += portion(total, first, n, all)
			first += n
		}
		if sum != total {
			t.Fatalf("%d of %d came to %d", total, all, sum)
		}
	}
}

func TestPickTakesTheShare(t *testing.T) {
	for _, c := range []struct {
		share float64
		of    int
		want  int
	}{{1, 1000, 1000}, {0, 1000, 0}, {0.01, 5000, 50}, {0.1, 60, 6}, {0.3, 10, 3}, {1. / 3, 9, 3}} {
		t.Run(fmt.Sprintf("%g", c.share), func(t *testing.T) {
			n := 0
			for i := range c.of {
				if pick(i, c.share) {
					n++
				}
			}
			if n != c.want {
				t.Errorf("got %d of %d, want %d", n, c.of, c.want)
			}
		})
	}
}
