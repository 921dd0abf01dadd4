package limit

import (
	"encoding/json"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// Several nodes that tell each other what was taken hold somebody, who takes as much as there is on each of them, to one rate.
func TestRatesOfSeveralNodes(t *testing.T) {
	const perSecond, nodes, seconds = 100, 5, 200
	rate, key := PerSecond(perSecond, 2).WithDebt(30*time.Second), SharedKey("ann")
	var tables [nodes]*Rates
	for i := range tables {
		tables[i] = NewRates(1000)
		tables[i].Track(true)
	}
	taken, worst := 0, 0
	for at := range seconds {
		inSecond := 0
		for millisecond := range 1000 {
			now := (int64(at)+100)*second + int64(millisecond)*int64(time.Millisecond)
			for _, table := range tables {
				if _, ok := table.Take(key, rate, now); ok {
					inSecond++
				}
			}
		}
		for i, table := range tables {
			for _, s := range table.Taken(0, 10) {
				for j, other := range tables {
					if i != j {
						other.Debit(s.Key, time.Duration(s.N), 30*time.Second, (int64(at)+101)*second)
					}
				}
			}
		}
		taken, worst = taken+inSecond, max(worst, inSecond)
	}
	t.Logf("%.2f of the rate, %.1f in the worst second", float64(taken)/(perSecond*seconds), float64(worst)/perSecond)
	if least, most := perSecond*seconds*9/10, perSecond*(seconds+3*nodes); taken < least || taken > most {
		t.Errorf("%d taken in %d s, want %d to %d", taken, seconds, least, most)
	}
	if worst > 3*nodes*perSecond {
		t.Errorf("%d in a second", worst)
	}
}

// Only what is tracked and large enough is told, once, the largest first; and a debt has a bound.
func TestTaken(t *testing.T) {
	r, rate, now := NewRates(shards*100), PerSecond(10, 2), 100*second
	take := func(name string, n int) {
		for range n {
			r.Take(SharedKey(name), rate, now)
		}
	}
	take("untracked", 5)
	r.Track(true)
	take("a", 2)
	take("b", 7)
	take("c", 1)
	want := []Share{{SharedKey("b"), 7 * int64(100*time.Millisecond)}, {SharedKey("a"), 2 * int64(100*time.Millisecond)}}
	if got := r.Taken(150*time.Millisecond, 10); !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
	if got := r.Taken(0, 10); len(got) != 0 {
		t.Errorf("again: %v", got)
	}
	owing := rate.WithDebt(5 * time.Second)
	for range 10 {
		r.Debit(SharedKey("a"), time.Hour, 5*time.Second, now)
	}
	r.Debit(Key{}, time.Hour, 5*time.Second, now)
	r.Debit(SharedKey("a"), -time.Hour, 5*time.Second, now)
	if wait, ok := r.Take(SharedKey("a"), owing, now); ok || wait > 5*time.Second || wait < time.Second {
		t.Error(wait, ok)
	}
	if _, ok := r.Take(SharedKey("a"), owing, now+5*second); !ok {
		t.Error("it is never paid back")
	}
	wait, _ := r.Peek(SharedKey("a"), owing, now+5*second)
	r.Debit(SharedKey("a"), time.Second, time.Second, now-100*second)
	if late, _ := r.Peek(SharedKey("a"), owing, now+5*second); late < wait {
		t.Errorf("late news take %v off", wait-late)
	}
}

func TestMost(t *testing.T) {
	c := NewCounters(100)
	for name, n := range map[string]int{"a": 1, "b": 5, "c": 3, "d": 4} {
		for range n {
			c.Take(SharedKey(name), 10)
		}
	}
	if got := c.Most(2, 2); !slices.Equal(got, []Share{{SharedKey("b"), 5}, {SharedKey("d"), 4}}) {
		t.Errorf("%v", got)
	}
}

// A key goes as text to other nodes, where it is the same.
func TestKeyAsText(t *testing.T) {
	for _, k := range []Key{{}, SharedKey("ann"), AddressKey(netip.MustParseAddr("192.0.2.1")), AddressKey(netip.MustParseAddr("2001:db8::1"))} {
		text, err := json.Marshal(Share{k, 7})
		var back Share
		if err != nil || json.Unmarshal(text, &back) != nil || back != (Share{k, 7}) {
			t.Errorf("%s: %v", text, back)
		}
	}
	if text, _ := SharedKey("ann").MarshalText(); SharedKey("ann") == SharedKey("bob") || string(text) != "49915e0d7d4b402e3017d010bc1c0e83" {
		t.Errorf("%s: not what other nodes make of the name", text)
	}
	for _, bad := range []string{``, `00`, `zz000000000000000000000000000000`} {
		if new(Key).UnmarshalText([]byte(bad)) == nil {
			t.Error(bad)
		}
	}
}
