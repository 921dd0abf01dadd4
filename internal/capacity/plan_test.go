package capacity

import (
	"bytes"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// some is a load and a machine like others.
func some() (Demand, Machine) {
	return Demand{Conns: 200_000, Channels: 10_000, PerConn: 2, Rate: 1000, Bytes: 128, Secure: Plain, Back: 10 * time.Second, Replicas: 1},
		Machine{CPUs: 4, Memory: 16 << 30, Network: 1.25e9, Files: 1 << 20, Busy: 0.6, Spare: 1, ConnBytes: 6000, NodeBytes: 600 << 20}
}

// near tells whether two figures are the same, give or take a part.
func near(a, b, part float64) bool { return math.Abs(a-b) <= part*math.Max(math.Abs(a), math.Abs(b)) }

// The sums over classes are those over single channels.
func TestSpreadIsZipf(t *testing.T) {
	for _, skew := range []float64{0, 0.5, 1, 1.1, 2} {
		d, _ := some()
		d.Channels, d.Skew, d.PerConn = 5000, skew, 0.2
		var weights, deliveries, subscribers float64
		for i := range d.Channels {
			weights += math.Pow(float64(i+1), -skew)
		}
		for i := range d.Channels {
			p := math.Pow(float64(i+1), -skew) / weights
			deliveries += d.Rate * p * p * float64(d.Conns) * d.PerConn
		}
		s := spreadOf(&d)
		for _, c := range s.classes {
			subscribers += c.channels * c.subscribers
		}
		if got := s.deliveries; !near(got, deliveries, 0.01) {
			t.Errorf("skew %v: %.0f deliveries, want %.0f", skew, got, deliveries)
		}
		if want := float64(d.Conns) * d.PerConn; !near(subscribers, want, 1e-6) {
			t.Errorf("skew %v: %.0f subscriptions, want %.0f", skew, subscribers, want)
		}
	}
}

// No channel has more subscribers than there are connections, and what is over has gone to the others.
func TestSpreadIsFull(t *testing.T) {
	d, _ := some()
	d.Channels, d.Skew, d.PerConn = 100, 2, 30
	s, all := spreadOf(&d), 0.0
	for _, c := range s.classes {
		if c.subscribers > float64(d.Conns)*(1+1e-9) {
			t.Errorf("%.0f subscribers of %d connections", c.subscribers, d.Conns)
		}
		all += c.channels * c.subscribers
	}
	if want := float64(d.Conns) * d.PerConn; !near(all, want, 1e-6) {
		t.Errorf("%.0f subscriptions, want %.0f", all, want)
	}
}

// What nodes hear is what they would if connections were put on them by chance.
func TestHeardAsSimulated(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, row := range []struct {
		nodes    int
		channels int64
		perConn  float64
		skew     float64
	}{{1, 100, 2, 0}, {10, 1000, 1, 0}, {10, 5000, 2, 1}, {100, 500, 2, 1.1}, {100, 20_000, 2, 0}} {
		d, _ := some()
		d.Conns, d.Channels, d.PerConn, d.Skew = 20_000, row.channels, row.perConn, row.skew
		s := spreadOf(&d)
		heard := 0.0
		for _, c := range s.classes {
			const tries = 20
			interested := 0
			for range tries {
				nodes := make(map[int]bool)
				for range int(c.subscribers + random.Float64()) {
					nodes[random.IntN(row.nodes)] = true
				}
				interested += len(nodes)
			}
			heard += c.channels * c.rate * float64(interested) / tries
		}
		if got := s.heard(int64(row.nodes)); !near(got, heard, 0.05) {
			t.Errorf("%+v: %.0f, simulated %.0f", row, got, heard)
		}
	}
}

func TestFor(t *testing.T) {
	for _, row := range []struct {
		name    string
		change  func(d *Demand, m *Machine)
		nodes   int64
		decides string
	}{
		{"as it is", func(*Demand, *Machine) {}, 2, "that some may be away"},
		{"ten times the connections", func(d *Demand, _ *Machine) { d.Conns *= 10; d.Channels *= 10 }, 5, "time to be back"},
		{"little memory", func(_ *Demand, m *Machine) { m.Memory = 1 << 30 }, 4, "memory"},
		{"a slow network", func(_ *Demand, m *Machine) { m.Network = 1e6 }, 21, "network"},
		{"back at once", func(d *Demand, _ *Machine) { d.Back = time.Second }, 4, "time to be back"},
		{"one channel for all", func(d *Demand, _ *Machine) { d.Channels, d.PerConn, d.Rate = 1, 1, 10 }, 12, "CPU"},
		{"three of each", func(d *Demand, _ *Machine) { d.Replicas, d.Rate = 3, 1 }, 3, "replicas"},
		{"no spare", func(_ *Demand, m *Machine) { m.Spare = 0 }, 1, "CPU"},
	} {
		d, m := some()
		row.change(&d, &m)
		if err := Check(&d, &m); err != nil {
			t.Fatalf("%s: %v", row.name, err)
		}
		if p := For(d, m); p.Nodes != row.nodes || p.Decides != row.decides {
			t.Errorf("%s: %d nodes, %s decides; want %d, %s (%+v)", row.name, p.Nodes, p.Decides, row.nodes, row.decides, p.Needs)
		}
	}
}

// More of anything never takes fewer nodes, and what is planned fits.
func TestMoreNeverTakesLess(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		d, m := some()
		d.Conns, d.Channels, d.Rate = 1+random.Int64N(2_000_000), 1+random.Int64N(50_000), random.Float64()*500
		d.PerConn, d.Skew, d.Bytes = min(random.Float64()*5, float64(d.Channels)), random.Float64()*1.5, random.Int64N(4096)
		p := For(d, m)
		if len(p.Warnings) == 0 && (p.CPU > m.CPUs*m.Busy || p.Memory > m.Memory || p.Network > m.Network*m.Busy || p.Back > d.Back) {
			t.Errorf("does not fit: %+v", p)
		}
		for _, more := range []func(*Demand){func(d *Demand) { d.Conns *= 2 }, func(d *Demand) { d.Rate *= 2 }, func(d *Demand) { d.Bytes *= 2 }, func(d *Demand) { d.Secure = TLS }} {
			bigger := d
			more(&bigger)
			if q := For(bigger, m); q.Nodes < p.Nodes {
				t.Errorf("%+v takes %d, and %+v %d", d, p.Nodes, bigger, q.Nodes)
			}
		}
	}
}

func TestTooMuch(t *testing.T) {
	d, m := some()
	d.Channels, d.PerConn, d.Rate, d.Conns = 1, 1, 10_000, 1_000_000
	p := For(d, m)
	if len(p.Warnings) == 0 || !strings.Contains(p.Warnings[0], "CPU") {
		t.Errorf("%+v", p)
	}
	var b bytes.Buffer
	if err := p.WriteText(&b); err != nil || !strings.Contains(b.String(), "CPU: more than 1000") || !strings.Contains(b.String(), "Warning: No number") {
		t.Error(err, b.String())
	}
}

func TestCheck(t *testing.T) {
	if err := Check(&Demand{Rate: math.NaN(), PerConn: -1, Bytes: -1, Skew: 4, Secure: "ssl", History: -1}, &Machine{Busy: 2, Spare: -1}); err == nil {
		t.Error("nothing is wrong with it?")
	} else {
		for _, want := range []string{"connections", "channels", "channels of a", "publications", "bytes", "skew", "TLS", "back", "history", "replicas", "CPUs", "network", "busy", "spare", "memory", "files"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%v\nlacks %s", err, want)
			}
		}
	}
}
