package doctor

import (
	"fmt"
	"strings"
)

// Setting is a sysctl that helps a machine whose work is to push.
type Setting struct {
	// Name is what sysctl calls it.
	Name string
	// Want is what it should be, as sysctl takes it. Where AtLeast or AtMost is set, what goes further is fine, too.
	Want string
	// index is that of the number that counts, among those of Want.
	index int
	want  int64
	is    comparison
	// Why is the reason, and Else what there is to fear without.
	Why, Else string
}

type comparison int

const (
	exactly comparison = iota
	atLeast
	atMost
)

// met is whether n will do.
func (s *Setting) met(n int64) bool {
	switch s.is {
	case atLeast:
		return n >= s.want
	case atMost:
		return n <= s.want
	}
	return n == s.want
}

// Settings are what packaging/sysctl/90-wsedge.conf sets, and why.
var Settings = []Setting{
	{"net.core.somaxconn", "16384", 0, 16384, atLeast,
		"Connections that wait for accept, for each event loop: each has a listening socket of its own. wsedge asks for as many as this allows.",
		"In a reconnect storm what comes above it is dropped, and those clients try again a second later, and later still."},
	{"net.ipv4.tcp_syncookies", "1", 0, 1, atLeast,
		"Handshakes go on when the queue of half-open ones is full, which is as long as that of accept.",
		"A flood of SYNs, or a storm of clients, locks everybody out; and net.ipv4.tcp_max_syn_backlog, which bounds nothing while this is 1, begins to count."},
	{"net.ipv4.tcp_wmem", "4096 16384 1048576", 2, 1 << 20, atMost,
		"What one client that does not read may hold in the kernel, before wsedge sees that it is slow and --outbound-max begins to count. 1 MiB is enough for some 40 Mbit/s over 100 ms to each client.",
		"The kernel's default of 4 MiB lets 250 clients that stop reading hold a gigabyte."},
	{"net.ipv4.tcp_slow_start_after_idle", "0", 0, 0, exactly,
		"A connection that was silent keeps its congestion window. A push server's are silent most of the time.",
		"A publication of more than some 14 KB needs another round trip to each client that has heard nothing for a while."},
}

// SysctlFile is packaging/sysctl/90-wsedge.conf.
func SysctlFile() string {
	var b strings.Builder
	b.WriteString("# Sysctls for a machine whose work is wsedge. Copy to /etc/sysctl.d/ and run: sysctl --system\n" +
		"# Made from internal/doctor; wsedge doctor says which of them are needed here. Reasons at length: docs/OPERATING.md, \"The machine\".\n")
	for i := range Settings {
		s := &Settings[i]
		fmt.Fprintf(&b, "\n%s%s%s = %s\n", comment(s.Why), comment(s.Else), s.Name, s.Want)
	}
	b.WriteString("\n" + comment("Only where a firewall of this machine tracks connections: each takes an entry of some 300 B, and above the bound new ones are dropped. "+
		"To track none of the server's is better.") + "# net.netfilter.nf_conntrack_max = 1048576\n")
	return b.String()
}

// comment writes text in lines of at most 110 columns behind #.
func comment(text string) string {
	const width = 110
	var b strings.Builder
	line := "#"
	for _, word := range strings.Fields(text) {
		if len(line)+1+len(word) > width {
			b.WriteString(line + "\n")
			line = "#"
		}
		line += " " + word
	}
	return b.String() + line + "\n"
}
