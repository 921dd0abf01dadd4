package loadtest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// naiveLife remembers every delivery of one life from one stream.
type naiveLife struct {
	stream  int
	ready   int64
	ended   bool
	arrived []uint32
	behind  *naiveLife // the one behind a break that was not recovered; nil: it ended in another way
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
		case t.Times[sequence] < n.ready:
			continue
		case n.ended && int64(sequence) > last:
			if b := n.behind; b != nil && !unknown && t.Times[sequence] < b.ready && !slices.Contains(b.arrived, sequence) {
				into.Expected++
				into.Unrecovered++
				owed[sequence]++
			}
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
	plan    topicPlan
	topicOf []uint32 // by subscriber
	ledger  *ledger
	totals  []publisherTotals // by stream
	now     int64
	current []map[int]*naiveLife // by subscriber, of each stream of its topic; nil without a life
	all     []*naiveLife
	known   []uint32 // by stream: sequences that somebody has got, plus one
}

const modelSubscribers = 5

// modelPlans have one topic of two streams; two topics, of two streams and one; four of one, and three of two.
var modelPlans = []struct{ topics, publishers int }{{1, 2}, {2, 3}, {4, 2}, {3, 6}}

func newLivesModel(seed uint64, topics, publishers int) *livesModel {
	m := &livesModel{
		random: rand.New(rand.NewPCG(seed, 3)), plan: topicPlan{Sizes: make([]int, topics), Publishers: publishers}, now: 1,
		current: make([]map[int]*naiveLife, modelSubscribers),
	}
	m.totals, m.known = make([]publisherTotals, m.plan.streams()), make([]uint32, m.plan.streams())
	m.ledger = newLedger(modelSubscribers, m.plan.columns()).withLives()
	for subscriber := range modelSubscribers {
		m.topicOf = append(m.topicOf, uint32(subscriber%topics))
	}
	if topics > 1 {
		m.ledger.withTopics(topics, m.topicOf)
	}
	return m
}

func (m *livesModel) publish() {
	t := &m.totals[m.random.IntN(m.plan.streams())]
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
	m.ledger.begin(subscriber, func(stream int) uint32 {
		floor := uint32(0)
		if stream >= len(m.known) {
			return 0
		}
		for sequence := range m.known[stream] {
			if m.totals[stream].Times[sequence] < m.now {
				floor = sequence + 1
			}
		}
		return floor - min(floor, uint32(m.random.IntN(2))) // any lower bound will do
	})
	m.current[subscriber] = map[int]*naiveLife{}
	for stream := int(m.topicOf[subscriber]); stream < m.plan.streams(); stream += m.plan.count() {
		n := &naiveLife{stream: stream, ready: m.now}
		m.current[subscriber][stream] = n
		m.all = append(m.all, n)
	}
}

// ready is when a subscriber's life began.
func (m *livesModel) ready(subscriber int) int64 {
	return m.current[subscriber][int(m.topicOf[subscriber])].ready
}

func (m *livesModel) end(subscriber int) {
	m.ledger.end(subscriber, m.ready(subscriber), false)
	for _, n := range m.current[subscriber] {
		n.ended = true
	}
	m.current[subscriber] = nil
}

// comeBack has a subscriber return at once from a break that was not recovered.
func (m *livesModel) comeBack(subscriber int) {
	old, since := m.current[subscriber], m.ready(subscriber)
	m.ledger.breakOff(subscriber, since, m.now)
	m.begin(subscriber)
	for stream, n := range old {
		n.ended, n.behind = true, m.current[subscriber][stream]
	}
}

func (m *livesModel) deliver(subscriber int) {
	topic := int(m.topicOf[subscriber])
	column := m.random.IntN(m.plan.streamsOf(topic))
	stream := topic + column*m.plan.count()
	t, n := m.totals[stream], m.current[subscriber][stream]
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
	m.known[stream] = max(m.known[stream], sequence+1)
	if t.Times[sequence] < n.ready {
		m.ledger.noteEarly(subscriber, column, sequence)
		return
	}
	m.ledger.note(subscriber, column, sequence)
}

// step does something at random.
func (m *livesModel) step() {
	subscriber := m.random.IntN(modelSubscribers)
	alive := m.current[subscriber] != nil
	switch k := m.random.IntN(20); {
	case k < 4:
		m.publish()
	case k < 7:
		m.now++
	case !alive:
		m.begin(subscriber)
	case k == 7:
		m.end(subscriber)
	case k == 8:
		m.comeBack(subscriber)
	default:
		m.deliver(subscriber)
	}
}

func TestLivesAgainstALedgerThatRemembersEverything(t *testing.T) {
	for _, p := range modelPlans {
		for seed := range uint64(250) { // of 500 operations each
			m := newLivesModel(seed, p.topics, p.publishers)
			for range 500 {
				m.step()
			}
			if err := m.compare(); err != nil {
				t.Fatalf("%+v, seed %d: %v", p, seed, err)
			}
		}
	}
}

// compare settles the accounts, and says where the two differ.
func (m *livesModel) compare() error {
	streams := m.plan.streams()
	records := make([][]publicationRecord, streams)
	m.ledger.sums = newPublicationSums(m.totals)
	for subscriber, lives := range m.current {
		if lives != nil {
			m.ledger.settleSince(subscriber, m.ready(subscriber), m.totals)
		}
	}
	m.ledger.settleEnded(m.totals, false)
	m.ledger.settleGaps(m.totals)
	m.ledger.sums.into(records, m.totals)
	var want LedgerCounts
	owed, lost := make([]map[uint32]uint32, streams), make([]map[uint32]uint32, streams)
	for stream := range streams {
		owed[stream], lost[stream] = map[uint32]uint32{}, map[uint32]uint32{}
	}
	for _, n := range m.all {
		n.count(m.totals[n.stream], &want, owed[n.stream], lost[n.stream])
	}
	if m.ledger.counts != want {
		return fmt.Errorf("got %+v, want %+v", m.ledger.counts, want)
	}
	for stream, list := range records {
		for sequence, r := range list {
			if r.Owed != owed[stream][uint32(sequence)] || r.Lost != lost[stream][uint32(sequence)] {
				return fmt.Errorf("publication %d of %d: %+v, want %d owed, %d lost", sequence, stream, r, owed[stream][uint32(sequence)], lost[stream][uint32(sequence)])
			}
		}
	}
	return nil
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

// What an ended life has not got is told at the end; the live view does not go on missing it.
func TestEndedLivesMissNothingMore(t *testing.T) {
	l := newLedger(1, 1).withLives()
	l.begin(0, func(int) uint32 { return 0 })
	l.note(0, 0, 0)
	l.note(0, 0, 5)
	l.note(0, 0, 2)
	if l.missing != 3 {
		t.Fatalf("%d missing", l.missing)
	}
	l.end(0, 0, false)
	if l.missing != 0 {
		t.Errorf("%d missing after the end", l.missing)
	}
	l.begin(0, func(int) uint32 { return 3 })
	l.note(0, 0, 9) // what is between may have been before the life
	if l.note(0, 0, 4); l.missing != 0 {
		t.Errorf("%d missing before a life's first", l.missing)
	}
	if l.note(0, 0, 12); l.missing != 2 {
		t.Errorf("%d missing between a life's first and second", l.missing)
	}
}
