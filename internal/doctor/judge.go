package doctor

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Plan is what the server is to do.
type Plan struct {
	// Asked is how many connections there are to be; 0: as many as there can be.
	Asked int64
	// MaxConns is what the configuration allows; 0: what the limit of open files allows.
	MaxConns int64
	// UserBytes is what an idle connection takes of the process. See PlainBytes, TLSBytes and CompactTLSBytes.
	UserBytes int64
	// NodeBytes is what the process may take beside its connections: output on its way, history, and itself.
	NodeBytes int64
	// Loops is how many event loops it is to have; 0: one for each CPU.
	Loops int
	// Workers is how many processes share the connections, each with the limit of open files for itself; 0: one.
	Workers int64
}

// inAll is how many connections all processes have where each may have n.
func (p *Plan) inAll(n int64) int64 {
	return min(n, math.MaxInt64/max(p.Workers, 1)) * max(p.Workers, 1)
}

// inEach is how many each has of n.
func (p *Plan) inEach(n int64) int64 { return (n + max(p.Workers, 1) - 1) / max(p.Workers, 1) }

// What one idle, subscribed connection takes of the process, with the headroom of Go's collector: what docs/BENCHMARKS.md has
// measured (880 B), what crypto/tls keeps beside that (3.3 kB that live, and half as much for the collector), and what
// tlsloop/record does.
const (
	PlainBytes      = 1_000
	TLSBytes        = PlainBytes + 5_000
	CompactTLSBytes = PlainBytes + 1_000
	// AuthBytes and WebhookBytes are what authentication and webhooks add (docs/OPERATING.md).
	AuthBytes    = 400
	WebhookBytes = 176
	// KernelBytes is what its socket takes of the kernel while nothing is on its way.
	KernelBytes = 5_000
	// TakeoverBytes is what contexts of compression may take: 36 KiB for each of the first 10,000 connections (reactor.DeflateOptions).
	TakeoverBytes = 10_000 * 36 << 10
	// ProcessBytes is what the process takes without any connection.
	ProcessBytes = 64 << 20
)

// few is what a bound is low below, where nobody has said how many connections there are to be.
const few = 10_000

// reserve is how many descriptors the server keeps from connections (reactor.Config.MaxConns).
func reserve(files int64) int64 { return min(512, files/4) }

// filesFor is the limit of open files that n connections need.
func filesFor(n int64) int64 { return n + 512 }

// Judge says what the machine allows the server, and what should be changed.
func Judge(s Snapshot, p Plan) Report {
	r := Report{Asked: p.Asked}
	if !s.Seen {
		r.Findings = []Finding{{Name: "machine", Value: "not looked at", Status: Unknown,
			Means: "Only Linux says in /proc what it allows. On other systems: ulimit -n bounds the connections."}}
		return r
	}
	for _, judge := range []func(*Snapshot, *Plan) *Finding{files, filesOfAll, configured, memory, goMemory, tracked} {
		if f := judge(&s, &p); f != nil {
			r.add(*f)
		}
	}
	if r.Connections != nil && p.Asked == 0 {
		p.Asked = *r.Connections // the rest is judged by what there can be
	}
	for _, judge := range []func(*Snapshot, *Plan) *Finding{processors, hugepages, socketMemory, unread, halfOpen, ports} {
		if f := judge(&s, &p); f != nil {
			r.add(*f)
		}
	}
	for i := range Settings {
		r.add(setting(&s, &Settings[i]))
	}
	return r
}

// add takes a finding, and its bound where that is the lowest.
func (r *Report) add(f Finding) {
	if f.Connections != nil && (r.Connections == nil || *f.Connections < *r.Connections) {
		r.Connections, r.BoundBy = f.Connections, f.Name
	}
	r.Findings = append(r.Findings, f)
}

// bound makes a finding of something that allows n connections. advice and command are for when that is too few.
func bound(p *Plan, n int64, f Finding, advice, command string) *Finding {
	n = max(n, 0)
	f.Connections, f.Status = &n, OK
	switch {
	case n < max(p.Asked, 1):
		f.Status = Bad
	case p.Asked == 0 && n < few:
		f.Status = Warn
	default:
		return &f
	}
	f.Advice, f.Command = advice, command
	return &f
}

// setting judges a sysctl of the table.
func setting(s *Snapshot, want *Setting) Finding {
	f := Finding{Name: want.Name, Status: OK, Means: want.Why}
	n, ok := s.sysctl(want.Name, want.index)
	if !ok {
		f.Status, f.Value = Unknown, "cannot be read"
		return f
	}
	f.Value = fmt.Sprint(n)
	if !want.met(n) {
		f.Status, f.Advice, f.Command = Warn, want.Else, "sysctl -w "+assignment(want.Name, want.Want)
	}
	return f
}

// assignment is a sysctl and its value as a shell takes them.
func assignment(name, value string) string {
	if strings.Contains(value, " ") {
		value = strconv.Quote(value)
	}
	return name + "=" + value
}
