package doctor

import (
	"fmt"
	"io"
	"strings"
)

// Status says how a finding is to be taken.
type Status string

// The statuses. Bad keeps the server from starting, or from the connections that it is to have; Warn will be felt under load;
// Unknown could not be looked at.
const (
	OK      Status = "ok"
	Warn    Status = "warn"
	Bad     Status = "bad"
	Unknown Status = "unknown"
)

// Finding is what was found in one place.
type Finding struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Status Status `json:"status"`
	// Connections is how many this allows; nil where it bounds none.
	Connections *int64 `json:"connections,omitempty"`
	// Means is what the value does.
	Means string `json:"means"`
	// Advice is what to do about it, and Command how, where one command does it.
	Advice  string `json:"advice,omitempty"`
	Command string `json:"command,omitempty"`
}

// Report is what Judge says.
type Report struct {
	// Findings are in the order in which to read them.
	Findings []Finding `json:"findings"`
	// Connections is how many all of it allows; nil where nothing is known.
	Connections *int64 `json:"connections,omitempty"`
	// BoundBy names the finding that allows the least.
	BoundBy string `json:"bound_by,omitempty"`
	// Asked is how many there are to be; 0 where nobody said.
	Asked int64 `json:"asked,omitempty"`
}

// Bad is whether anything is.
func (r *Report) Bad() bool {
	for i := range r.Findings {
		if r.Findings[i].Status == Bad {
			return true
		}
	}
	return false
}

// WriteText writes the report for people.
func (r *Report) WriteText(w io.Writer) error {
	var b strings.Builder
	for i := range r.Findings {
		f := &r.Findings[i]
		fmt.Fprintf(&b, "%-7s  %s: %s", f.Status, f.Name, f.Value)
		if f.Connections != nil {
			fmt.Fprintf(&b, " (%s connections)", count(*f.Connections))
		}
		b.WriteByte('\n')
		for _, text := range []string{f.Means, f.Advice} {
			if text != "" {
				fmt.Fprintf(&b, "         %s\n", text)
			}
		}
		if f.Command != "" {
			fmt.Fprintf(&b, "         $ %s\n", f.Command)
		}
	}
	b.WriteString("\n" + r.summary() + "\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Report) summary() string {
	if r.Connections == nil {
		return "What this machine allows is not known."
	}
	text := fmt.Sprintf("This machine and these limits allow about %s connections; bound by: %s.", count(*r.Connections), r.BoundBy)
	var short []string
	for i := range r.Findings {
		if r.Findings[i].Status == Bad {
			short = append(short, r.Findings[i].Name)
		}
	}
	switch {
	case len(short) > 0 && r.Asked > 0:
		text += fmt.Sprintf("\nThat does not do for %s. In the way: %s.", count(r.Asked), strings.Join(short, ", "))
	case len(short) > 0:
		text += "\nThe server would not run. In the way: " + strings.Join(short, ", ") + "."
	case r.Asked > 0:
		text += fmt.Sprintf("\nThat is enough for %s.", count(r.Asked))
	}
	return text
}

// count writes a number with commas between thousands. More than a billion is as good as any.
func count(n int64) string {
	if n > 1e9 {
		return "more than a billion"
	}
	digits := fmt.Sprint(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// size writes a number of bytes.
func size(n int64) string {
	const mebi, gibi = 1 << 20, 1 << 30
	if n >= gibi {
		return fmt.Sprintf("%.1f GiB", float64(n)/gibi)
	}
	return fmt.Sprintf("%.0f MiB", float64(n)/mebi)
}
