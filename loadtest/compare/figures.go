package compare

import "github.com/wsedge/wsedge/loadtest"

// figure is one number of a result that is compared.
type figure struct {
	name string // as in "B's …"
	of   func(*loadtest.Report) float64
	// second is the same of a single second; nil where it has none. 0 is nothing measured.
	second func(loadtest.Interval) float64
	unit   string
}

// figures are those that are compared, as far as a side has them: a figure that is 0 throughout was not measured.
var figures = []figure{
	{name: "latency p50", unit: "µs",
		of:     func(r *loadtest.Report) float64 { return float64(r.Latency.P50) },
		second: func(s loadtest.Interval) float64 { return float64(s.P50) }},
	{name: "latency p99", unit: "µs",
		of:     func(r *loadtest.Report) float64 { return float64(r.Latency.P99) },
		second: func(s loadtest.Interval) float64 { return float64(s.P99) }},
	{name: "latency p99.9", unit: "µs",
		of: func(r *loadtest.Report) float64 { return float64(r.Latency.P999) }},
	{name: "time to the last receiver, p99", unit: "µs",
		of: func(r *loadtest.Report) float64 { return float64(r.Completion.P99) }},
	{name: "deliveries per second", unit: "/s",
		of: deliveryRate, second: func(s loadtest.Interval) float64 { return s.PerSecond(s.Delivered) }},
	{name: "CPU per delivery", unit: "µs",
		of: ofServer(func(s *loadtest.Server) float64 { return s.CPUPerDelivery }), second: secondCPU},
	{name: "CPU per connection and second", unit: "µs",
		of: ofServer(func(s *loadtest.Server) float64 { return s.CPUPerConnSecond })},
	{name: "memory per connection", unit: "B",
		of: ofServer(func(s *loadtest.Server) float64 { return s.RSSPerConn })},
}

func ofServer(figure func(*loadtest.Server) float64) func(*loadtest.Report) float64 {
	return func(r *loadtest.Report) float64 {
		if r.Server == nil || r.Server.Problem != "" {
			return 0
		}
		return figure(r.Server)
	}
}

func deliveryRate(r *loadtest.Report) float64 {
	if r.Config.Duration <= 0 {
		return 0
	}
	return float64(r.Messages.Measured) / r.Config.Duration
}

// secondCPU is the server's CPU time per delivery in µs.
func secondCPU(s loadtest.Interval) float64 {
	if s.Delivered == 0 {
		return 0
	}
	return s.ServerCPU * s.Length * 1e6 / float64(s.Delivered)
}

// inWindow are the seconds that lie in the measured window as a whole.
func inWindow(r *loadtest.Report) (inside []loadtest.Interval) {
	for _, s := range r.Seconds {
		if s.At-s.Length >= r.Window.FromSecs && s.At <= r.Window.EndSecs {
			inside = append(inside, s)
		}
	}
	return inside
}

// warnings say what makes a comparison doubtful.
func warnings(a, b []*loadtest.Report) (list []string) {
	first := a[0]
	differ := map[string]bool{}
	for _, side := range [][]*loadtest.Report{a, b} {
		for _, r := range side {
			for _, name := range differences(first, r) {
				differ[name] = true
			}
		}
	}
	for _, name := range []string{"scenario", "conns", "payload", "rate", "arrivals", "outstanding", "duration", "topics", "kernel", "CPU", "usable cores", "agents"} {
		if differ[name] {
			list = append(list, "the runs differ in "+name)
		}
	}
	for i, side := range [][]*loadtest.Report{a, b} {
		failed, slow, vague := 0, 0, 0
		for _, r := range side {
			if !r.Verdict.OK {
				failed++
			}
			if r.Generator.Bottleneck {
				slow++
			}
			if len(r.ClockReasons) > 0 {
				vague++
			}
		}
		if failed > 0 {
			list = append(list, plural(failed, len(side), sideName(i))+" failed")
		}
		if slow > 0 {
			list = append(list, plural(slow, len(side), sideName(i))+" had the generator as its bottleneck: its latencies are the generator's")
		}
		if vague > 0 {
			list = append(list, plural(vague, len(side), sideName(i))+" had agents whose clocks were not known well enough for its latencies")
		}
	}
	return list
}

func differences(a, b *loadtest.Report) (names []string) {
	x, y := a.Config, b.Config
	for name, same := range map[string]bool{
		"scenario": x.Scenario == y.Scenario, "conns": x.Conns == y.Conns, "payload": x.Payload == y.Payload, "rate": x.Rate == y.Rate,
		"arrivals": x.Arrivals == y.Arrivals, "outstanding": x.Outstanding == y.Outstanding, "duration": x.Duration == y.Duration,
		"topics": x.Topics < 2 && y.Topics < 2 || x.Topics == y.Topics && x.TopicSizes == y.TopicSizes && x.TopicRates == y.TopicRates,
		"kernel": a.Environment.Kernel == b.Environment.Kernel, "CPU": a.Environment.CPU == b.Environment.CPU,
		"usable cores": a.Environment.UsableCores == b.Environment.UsableCores, "agents": len(a.Agents) == len(b.Agents),
	} {
		if !same {
			names = append(names, name)
		}
	}
	return names
}
