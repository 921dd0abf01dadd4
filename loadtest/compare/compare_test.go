package compare

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wsedge/wsedge/loadtest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// round is a good run with that CPU time per delivery and that p99, in µs.
func round(cpu float64, p99 int64) *loadtest.Report {
	r := &loadtest.Report{
		Config:   loadtest.ConfigEcho{Scenario: loadtest.Fanout, Conns: 100, Duration: 4},
		Window:   loadtest.Window{SendSecs: 1, FromSecs: 1, EndSecs: 5},
		Latency:  loadtest.Percentiles{Count: 10, P50: 1000, P99: p99, P999: p99 + 1},
		Messages: loadtest.Messages{Measured: 3200},
		Server:   &loadtest.Server{CPUPerDelivery: cpu, RSSPerConn: 993},
		Verdict:  loadtest.Verdict{OK: true},
	}
	for i := range int64(6) {
		r.Seconds = append(r.Seconds, loadtest.Interval{
			At: float64(i + 1), Length: 1, Delivered: 800, P50: 1000 + i, P99: p99 + i, ServerCPU: cpu * 800 / 1e6,
		})
	}
	return r
}

func rounds(cpus ...float64) (list []*loadtest.Report) {
	for i, cpu := range cpus {
		list = append(list, round(cpu, 20_000+int64(i)))
	}
	return list
}

func TestGolden(t *testing.T) {
	other := rounds(6.0, 5.9)
	other[0].Config.Conns, other[1].Verdict.OK, other[1].Generator.Bottleneck = 7, false, true
	cases := []struct {
		name string
		a, b []*loadtest.Report
	}{
		{"five-rounds", rounds(6.0, 6.1, 6.2, 6.05, 6.15), rounds(5.6, 5.7, 5.75, 5.65, 5.55)},
		{"two-rounds", rounds(6.0, 6.1), rounds(5.6, 5.7)},
		{"one-round", rounds(6.0), rounds(12.5)},
		{"doubtful", rounds(6.0, 6.1), other},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			result, err := Reports(c.a, c.b)
			if err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			if err := result.WriteText(&got); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("testdata", c.name+".txt")
			if *update {
				if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got.Bytes(), want) {
				t.Errorf("got\n%s\nwant\n%s", got.Bytes(), want)
			}
		})
	}
}

func TestWhatIsNotMeasuredIsNotCompared(t *testing.T) {
	a, b := rounds(6), rounds(6)
	a[0].Server = nil
	result, err := Reports(a, b)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range result.Figures {
		if strings.Contains(f.Name, "CPU") || strings.Contains(f.Name, "memory") {
			t.Errorf("%s is compared", f.Name)
		}
	}
	if _, err := Reports(nil, b); err == nil {
		t.Error("nothing is compared with something")
	}
}

func TestOnlyWholeSecondsOfTheWindowAreSamples(t *testing.T) {
	r := round(1, 1)
	r.Window.FromSecs, r.Window.EndSecs = 1.5, 4.5
	if inside := inWindow(r); len(inside) != 2 || inside[0].At != 3 || inside[1].At != 4 {
		t.Errorf("%+v", inside)
	}
}
