package broker_test

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/broker/brokertest"
)

var operations = flag.Int("broker.operations", 1_000_000, "how many random operations the model is compared over")

// model is a channel's log as one would write it down: everything that was ever published, and a rule for what of it is kept.
type model struct {
	epoch     string
	all       []modelEntry // entry i has offset i+1
	lost      int          // entries before it are not kept any more
	retention broker.Retention
	keys      map[string]modelKey
	cursors   modelCursors
}

type modelEntry struct {
	data string
	at   time.Time
}

type modelKey struct {
	offset uint64
	at     time.Time
}

// forget applies the rule.
func (m *model) forget(now time.Time) {
	m.lost = max(m.lost, len(m.all)-m.retention.Size)
	for age := m.retention.Age; age > 0 && m.lost < len(m.all) && now.Sub(m.all[m.lost].at) >= age; {
		m.lost++
	}
	for key, k := range m.keys {
		if now.Sub(k.at) >= broker.KeyLife {
			delete(m.keys, key)
		}
	}
}

func (m *model) texts(from, to int) (data []string) {
	for _, e := range m.all[from:to] {
		data = append(data, e.data)
	}
	return data
}

func (m *model) covers(since *broker.Position) bool {
	return since != nil && since.Epoch == m.epoch && since.Offset >= uint64(m.lost) && since.Offset <= uint64(len(m.all))
}

func sizeOf(texts []string) (n int64) {
	for _, t := range texts {
		n += int64(len(t))
	}
	return n
}

// recover is what a RecoverQuery must be answered with.
func (m *model) recover(q broker.RecoverQuery) (exact bool, data []string) {
	if m.covers(q.Since) {
		if data = m.texts(int(q.Since.Offset), len(m.all)); sizeOf(data) <= q.MaxBytes {
			return true, data
		}
	}
	if q.Latest && m.lost < len(m.all) {
		return false, m.texts(len(m.all)-1, len(m.all))
	}
	return false, nil
}

// history is what a HistoryQuery must be answered with.
func (m *model) history(q broker.HistoryQuery) (exact bool, data []string) {
	exact = m.covers(q.Since)
	data = m.texts(m.lost, len(m.all))
	if exact {
		data = m.texts(int(q.Since.Offset), len(m.all))
	}
	for len(data) > q.Limit || len(data) > 1 && sizeOf(data) > q.MaxBytes {
		if q.Since == nil {
			data = data[1:]
		} else {
			data = data[:len(data)-1]
		}
	}
	return exact, data
}

// sink refuses now and then, and writes down what it was given.
type sink struct {
	refuse bool
	last   string
	offset uint64
}

var errRefused = errors.New("refused")

func (s *sink) Gap(uint64, uint64) error { return nil }

func (s *sink) Deliver(p *broker.Publication, offset, _ uint64) (broker.Delivered, error) {
	if s.refuse {
		return broker.Delivered{}, errRefused
	}
	s.last, s.offset = string(p.Data), offset
	return broker.Delivered{Matched: 1}, nil
}

// modelRun compares one log with its model.
type modelRun struct {
	t      *testing.T
	rng    *rand.Rand
	clock  *clock
	engine *broker.Memory
	sink   *sink
	log    broker.Log
	model  *model
	number int
	holds  []modelHold
}

func (r *modelRun) open() {
	r.model = &model{retention: r.retention(), keys: map[string]modelKey{}, cursors: modelCursors{}}
	r.holds = nil
	r.log = r.engine.Open("news", r.model.retention, r.sink)
	r.model.epoch = brokertest.Position(r.t, r.log).Epoch
}

func (r *modelRun) retention() broker.Retention {
	return broker.Retention{Size: r.rng.IntN(30), Age: time.Duration(r.rng.IntN(3)) * 20 * time.Second, Cursors: r.rng.IntN(7)}
}

// since is a position somewhere around what is kept; nil now and then.
func (r *modelRun) since() *broker.Position {
	p := &broker.Position{Epoch: r.model.epoch, Offset: uint64(max(0, r.model.lost-3+r.rng.IntN(len(r.model.all)-r.model.lost+6)))}
	switch r.rng.IntN(20) {
	case 0:
		return nil
	case 1:
		p.Epoch += "x"
	case 2:
		p.Offset = r.rng.Uint64()
	}
	return p
}

func (r *modelRun) step() {
	m := r.model
	m.forget(r.clock.now)
	switch n := r.rng.IntN(140); {
	case n < 40:
		r.publish()
	case n < 65:
		q := broker.RecoverQuery{Since: r.since(), MaxBytes: r.rng.Int64N(200), Latest: r.rng.IntN(2) == 0}
		exact, data := m.recover(q)
		r.compare(q, brokertest.Recover(r.t, r.log, q), exact, data)
	case n < 85:
		q := broker.HistoryQuery{Since: r.since(), Limit: r.rng.IntN(20), MaxBytes: r.rng.Int64N(150)}
		exact, data := m.history(q)
		r.compare(q, brokertest.History(r.t, r.log, q), exact, data)
	case n < 93:
		r.clock.now = r.clock.now.Add(time.Duration(r.rng.IntN(5000)) * time.Millisecond)
	case n < 96:
		m.retention = r.retention()
		m.forget(r.clock.now)
		m.cursors.fit(m.retention.Cursors)
		r.log.SetRetention(m.retention)
	case n < 99:
		if keeps := r.log.Trim(); keeps != (m.lost < len(m.all) || len(m.keys) > 0 || m.cursors.keep(r.clock.now, m.retention.Age)) {
			r.t.Fatalf("Trim says %v; %+v", keeps, m)
		}
	case n < 115:
		r.acknowledge()
	case n < 130:
		r.comeBack()
	case n < 139:
		r.goAway()
	case len(m.all) > 500: // so that the model stays small, too
		r.log.Close()
		if s := r.engine.Stats(); s.HistoryBytes+s.KeyBytes+s.Cursors.Bytes+s.Cursors.Kept != 0 {
			r.t.Fatalf("left: %+v", s)
		}
		r.open()
	}
}

func (r *modelRun) publish() {
	m := r.model
	r.number++
	p := &broker.Publication{Data: fmt.Append(nil, r.number)}
	if r.rng.IntN(4) == 0 {
		p.IdempotencyKey = fmt.Sprint("k", r.rng.IntN(40))
	}
	r.sink.refuse = r.rng.IntN(20) == 0
	result, err := r.log.Publish(p, nil)
	if first, known := m.keys[p.IdempotencyKey]; known {
		if err != nil || result.Offset != first.offset || r.sink.last == string(p.Data) {
			r.t.Fatalf("key %s: %+v, %v, want %+v", p.IdempotencyKey, result, err, first)
		}
		return
	}
	if r.sink.refuse {
		if !errors.Is(err, errRefused) {
			r.t.Fatal(err)
		}
		return
	}
	m.all = append(m.all, modelEntry{string(p.Data), r.clock.now})
	if offset := uint64(len(m.all)); err != nil || result.Offset != offset || result.Epoch != m.epoch || r.sink.offset != offset || r.sink.last != string(p.Data) {
		r.t.Fatalf("%+v, %v, want offset %d", result, err, offset)
	}
	if p.IdempotencyKey != "" {
		m.keys[p.IdempotencyKey] = modelKey{result.Offset, r.clock.now}
	}
}

func (r *modelRun) compare(query any, got broker.Past, exact bool, data []string) {
	var texts []string
	for i, record := range got.Publications {
		if record.Prev != record.Offset-1 || i > 0 && record.Prev != got.Publications[i-1].Offset || r.model.all[record.Offset-1].data != string(record.Data) {
			r.t.Fatalf("%+v: record %+v", query, record)
		}
		texts = append(texts, string(record.Data))
	}
	position := broker.Position{Epoch: r.model.epoch, Offset: uint64(len(r.model.all))}
	if got.Exact != exact || got.Position != position || !slices.Equal(texts, data) {
		r.t.Fatalf("%+v: exact %v, %v, %+v; want %v, %v", query, got.Exact, texts, got.Position, exact, data)
	}
}

// Whatever is done in whatever order, every answer is what the model says.
func TestMemoryAgainstAModel(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			t.Parallel()
			clock := newClock()
			r := &modelRun{t: t, rng: rand.New(rand.NewPCG(seed, 7)), clock: clock, sink: &sink{}}
			r.engine = broker.NewMemory(broker.MemoryConfig{Now: clock.Now})
			r.open()
			for range *operations / 4 {
				r.step()
			}
		})
	}
}

// FuzzRecover asks from any position for what a log of 50 publications, of which it keeps 20, has missed.
func FuzzRecover(f *testing.F) {
	log := broker.NewMemory(broker.MemoryConfig{}).Open("news", broker.Retention{Size: 20}, discard{})
	m := &model{retention: broker.Retention{Size: 20}}
	for i := range 50 {
		data := fmt.Sprint(i)
		m.epoch = publish(f, log, broker.Publication{Data: []byte(data)}).Epoch
		m.all = append(m.all, modelEntry{data: data})
	}
	m.forget(time.Time{})
	f.Add(true, "", uint64(30), int64(100), false, 10)
	f.Add(true, "", uint64(29), int64(0), true, 0)
	f.Add(false, "x", uint64(1)<<63, int64(-1), true, -1)
	f.Fuzz(func(t *testing.T, same bool, epoch string, offset uint64, bytes int64, latest bool, limit int) {
		since := &broker.Position{Epoch: epoch, Offset: offset}
		if same {
			since.Epoch = m.epoch
		}
		r := &modelRun{t: t, model: m}
		q := broker.RecoverQuery{Since: since, MaxBytes: bytes, Latest: latest}
		exact, data := m.recover(q)
		if bytes >= 0 {
			r.compare(q, brokertest.Recover(t, log, q), exact, data)
		}
		h := broker.HistoryQuery{Since: since, Limit: max(limit, 0), MaxBytes: max(bytes, 0)}
		exact, data = m.history(h)
		r.compare(h, brokertest.History(t, log, h), exact, data)
	})
}
