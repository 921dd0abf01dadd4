package loadtest

import (
	"net/netip"
	"strings"
	"testing"
)

func TestSpread(t *testing.T) {
	cases := []struct {
		name    string
		conns   int
		weights []float64
		most    []int
		want    []int // nil is an error
	}{
		{"alike", 10, []float64{1, 1}, []int{100, 100}, []int{5, 5}},
		{"by weight", 100, []float64{3, 1}, []int{1000, 1000}, []int{75, 25}},
		{"one is full", 100, []float64{1, 1, 2}, []int{10, 1000, 1000}, []int{10, 30, 60}},
		{"one after the other is full", 100, []float64{1, 1, 1}, []int{10, 35, 1000}, []int{10, 35, 55}},
		{"all are full", 60, []float64{1, 2}, []int{20, 40}, []int{20, 40}},
		{"too many", 61, []float64{1, 2}, []int{20, 40}, nil},
		{"odd numbers", 7, []float64{1, 1, 1}, []int{9, 9, 9}, []int{2, 3, 2}},
		{"fewer than agents", 1, []float64{1, 1, 1}, []int{9, 9, 9}, []int{0, 1, 0}},
	}
	for _, c := range cases {
		most := map[*place]int{}
		var places []*place
		for i, w := range c.weights {
			p := &place{name: "one", weight: w}
			most[p] = c.most[i]
			places = append(places, p)
		}
		err := spread(c.conns, places, func(p *place) (int, string) { return most[p], "a bound" })
		if (err == nil) != (c.want != nil) {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		for i, want := range c.want {
			if places[i].conns != want {
				t.Errorf("%s: place %d has %d connections, want %d", c.name, i, places[i].conns, want)
			}
		}
		if c.want == nil && !strings.Contains(err.Error(), "one: 40, by a bound") {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestCapacity(t *testing.T) {
	remote, loopback := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("127.0.0.1")
	env := func(files uint64, ports, all string) Environment {
		return Environment{OpenFiles: files, Sysctls: map[string]string{"net.ipv4.ip_local_port_range": ports, "fs.file-max": all}}
	}
	cases := []struct {
		env     Environment
		sources string
		to      netip.Addr
		want    int
		bound   string
	}{
		{env(1024, "32768 60999", "9223372036854775807"), "", remote, 28232, "28232 local ports on 1 addresses"},
		{env(1024, "32768 60999", "9223372036854775807"), "", loopback, 256 * (1024 - 128 - 8), "open files, 1024"},
		{env(1024, "32768 60999", "9223372036854775807"), "10.0.0.0/29", remote, 8 * 28232, "on 8 addresses"},
		{env(1<<20, "1024 65535", "100000"), "10.0.0.0/24", remote, 100000, "fs.file-max"},
		{env(1<<20, "", ""), "10.0.0.0/8", remote, maxConns, "open files"},
		{env(100, "", ""), "", remote, 0, "open files, 100"},
	}
	for _, c := range cases {
		p := &place{env: c.env}
		if c.sources != "" {
			p.sources, _ = ParseSources(c.sources)
		}
		if got, bound := p.capacity(c.to, 8); got != c.want || !strings.Contains(bound, c.bound) {
			t.Errorf("%v from %q to %v: %d by %s, want %d by %s", c.env.OpenFiles, c.sources, c.to, got, bound, c.want, c.bound)
		}
	}
}

func TestChooseProcesses(t *testing.T) {
	cases := []struct{ conns, cores, asked, want int }{
		{50_000, 4, 0, 9}, // 5,992 fit into a worker
		{5_000, 16, 0, 8}, // one for each two cores
		{150, 16, 0, 1},   // not worth more
		{40, 4, 8, 8},
		{3, 4, 8, 3},
		{0, 4, 0, 0},
	}
	for _, c := range cases {
		p := &place{env: Environment{OpenFiles: 6128, UsableCores: c.cores}, threads: 2, conns: c.conns}
		if p.chooseProcesses(c.asked, 8); p.processes != c.want {
			t.Errorf("%+v: %d processes", c, p.processes)
		}
	}
}
