package capacity

import (
	"fmt"
	"io"
	"math"
	"strings"
	"time"
)

// WriteText writes the plan for people.
func (p *Plan) WriteText(w io.Writer) error {
	d, m := &p.Demand, &p.Machine
	var b strings.Builder
	fmt.Fprintf(&b, "%s connections, each on %s of %s channels; %s publications a second of %s B\n", count(float64(d.Conns)), count(d.PerConn), count(float64(d.Channels)), count(d.Rate), count(float64(d.Bytes)))
	fmt.Fprintf(&b, "  %s deliveries a second; the largest channel has %s subscribers\n\n", count(p.Deliveries), count(p.Largest))
	fmt.Fprintf(&b, "%d %s of %s CPUs, %s (what decides: %s)", p.Nodes, plural(p.Nodes, "machine"), count(m.CPUs), size(float64(m.Memory)), p.Decides)
	if m.Spare > 0 {
		fmt.Fprintf(&b, ", of which %d may be away", m.Spare)
	}
	b.WriteString("\n  needed for ")
	for i, need := range p.Needs {
		if i > 0 {
			b.WriteString(", ")
		}
		n := fmt.Sprint(need.Nodes)
		if need.Nodes > mostNodes {
			n = "more than " + fmt.Sprint(mostNodes)
		}
		fmt.Fprintf(&b, "%s: %s", need.What, n)
	}
	fmt.Fprintf(&b, "\n\nEach, when %d %s away:\n", m.Spare, map[bool]string{true: "is", false: "are"}[m.Spare == 1])
	for _, row := range [][2]string{
		{"connections", fmt.Sprintf("%s, in %d %s (a process has %s files)", count(float64(p.Conns)), p.Workers, plural(p.Workers, "process"), count(float64(m.Files)))},
		{"CPU", fmt.Sprintf("%.1f of %s cores", p.CPU, count(m.CPUs))},
		{"memory", size(float64(p.Memory))},
		{"network", fmt.Sprintf("%s a second to clients", size(p.Network))},
		{"from the engine", fmt.Sprintf("%s publications a second; one goes to %s nodes on the average", count(p.Heard), count(p.Interesting))},
		{"history", fmt.Sprintf("%s on disk or in memory", size(float64(p.Log)))},
		{"last receiver", fmt.Sprintf("%s behind the publication, at best, in the largest channel", p.Last.Round(time.Millisecond/10))},
		{"a node dies", fmt.Sprintf("its clients are served again in %s, once they come", p.Back.Round(time.Second/10))},
	} {
		if row[0] == "from the engine" && p.Nodes == 1 || row[0] == "history" && p.Log == 0 {
			continue
		}
		fmt.Fprintf(&b, "  %-16s %s\n", row[0], row[1])
	}
	for _, warning := range p.Warnings {
		fmt.Fprintf(&b, "\nWarning: %s\n", warning)
	}
	b.WriteString("\nSums over what was measured on cores of about 2.6 GHz: see docs/SCALING.md. Measure your own load with wsload before you rely on it.\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func plural(n int64, what string) string {
	switch {
	case n == 1:
		return what
	case strings.HasSuffix(what, "s"):
		return what + "es"
	}
	return what + "s"
}

// count writes a number with commas, and two digits behind the point of a small one.
func count(v float64) string {
	if v < 100 && v != math.Trunc(v) {
		return fmt.Sprintf("%.2g", v)
	}
	digits := fmt.Sprintf("%.0f", v)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// size writes a number of bytes.
func size(v float64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	i := 0
	for ; v >= 1024 && i < len(units)-1; i++ {
		v /= 1024
	}
	if v < 10 && i > 0 {
		return fmt.Sprintf("%.1f %s", v, units[i])
	}
	return fmt.Sprintf("%.0f %s", v, units[i])
}
