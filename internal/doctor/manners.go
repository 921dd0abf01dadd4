package doctor

import "fmt"

// What is judged here bounds no number of connections, but how they fare. Plan.Asked is how many there can be.

// processors are the CPUs, and what a cgroup grants of them.
func processors(s *Snapshot, p *Plan) *Finding {
	if s.CPUs == 0 {
		return nil
	}
	loops := p.Loops
	if loops == 0 {
		loops = s.procs()
	}
	f := Finding{Name: "CPUs", Value: fmt.Sprint(s.CPUs), Status: OK, Means: fmt.Sprintf("%d event loops, each of which keeps one busy under load.", loops)}
	switch quota := s.Group.CPUs; {
	case quota > 0 && quota < float64(s.CPUs):
		f.Status, f.Value = Warn, fmt.Sprintf("%d, of which the cgroup's cpu.max grants %.1f", s.CPUs, quota)
		f.Advice = "Who has used up the quota stands still, for up to 100 ms. Give the server CPUs of its own (a cpuset) in place of a quota."
	case loops > s.CPUs:
		f.Status, f.Advice = Warn, "Loops that share a CPU hold each other up. Leave out listen.loops, or --loops, or ask for no more than there are CPUs."
	}
	return &f
}

func hugepages(s *Snapshot, _ *Plan) *Finding {
	if s.Hugepages == "" {
		return nil
	}
	f := Finding{Name: "transparent huge pages", Value: s.Hugepages, Status: OK, Means: "Memory in pages of 2 MiB, where the process asks for it (madvise)."}
	if s.Hugepages == "always" {
		f.Status, f.Means = Warn, "Memory in pages of 2 MiB, wherever the kernel likes."
		f.Advice = "Pages that are used in part count in whole, and the kernel's work of making them is felt as latency."
		f.Command = "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled"
	}
	return &f
}

const pageBytes = 4096

// socketMemory is what all TCP sockets together may hold. One with anything on its way takes a page at least.
func socketMemory(s *Snapshot, p *Plan) *Finding {
	pressure, ok := s.sysctl("net.ipv4.tcp_mem", 1)
	most, _ := s.sysctl("net.ipv4.tcp_mem", 2)
	if !ok {
		return nil
	}
	f := Finding{Name: "net.ipv4.tcp_mem", Value: fmt.Sprintf("%d pages, at most %d", pressure, most), Status: OK,
		Means: fmt.Sprintf("What waits in sockets: from %s on the kernel makes buffers smaller, at %s it drops. A connection takes a page as soon as anything is on its way to it, so up to %s can have that at once.",
			size(pressure*pageBytes), size(most*pageBytes), count(pressure))}
	if pressure < p.Asked {
		want := p.Asked * 5 / 4
		f.Status = Warn
		f.Advice = fmt.Sprintf("For %s connections raise it, where there is the memory: to %s.", count(p.Asked), size(want*pageBytes))
		f.Command = fmt.Sprintf("sysctl -w net.ipv4.tcp_mem=\"%d %d %d\"", want*3/4, want, want*3/2)
	}
	return &f
}

// unread is the receive buffer. It matters little to a server that always reads.
func unread(s *Snapshot, _ *Plan) *Finding {
	initial, ok := s.sysctl("net.ipv4.tcp_rmem", 1)
	most, _ := s.sysctl("net.ipv4.tcp_rmem", 2)
	if !ok {
		return nil
	}
	return &Finding{Name: "net.ipv4.tcp_rmem", Value: fmt.Sprintf("%d, at most %d", initial, most), Status: OK,
		Means: "What a client can have sent without its being read. wsedge reads at once, so that it stays near nothing."}
}

// ports are those for outgoing connections. The server's clients take none.
func ports(s *Snapshot, _ *Plan) *Finding {
	first, ok := s.sysctl("net.ipv4.ip_local_port_range", 0)
	last, _ := s.sysctl("net.ipv4.ip_local_port_range", 1)
	if !ok || last < first {
		return nil
	}
	return &Finding{Name: "net.ipv4.ip_local_port_range", Value: fmt.Sprintf("%d to %d", first, last), Status: OK,
		Means: fmt.Sprintf("%s connections from one address of this machine to one address and port. It bounds a proxy or wsload here, not the clients of the server.", count(last-first+1))}
}

// halfOpen is the queue of handshakes under way, which bounds nothing while the kernel can answer without one.
func halfOpen(s *Snapshot, _ *Plan) *Finding {
	most, ok := s.sysctl("net.ipv4.tcp_max_syn_backlog", 0)
	cookies, known := s.sysctl("net.ipv4.tcp_syncookies", 0)
	if !ok || !known {
		return nil
	}
	f := Finding{Name: "net.ipv4.tcp_max_syn_backlog", Value: fmt.Sprint(most), Status: OK,
		Means: "It bounds nothing while net.ipv4.tcp_syncookies is not 0; net.core.somaxconn bounds this queue, too."}
	if cookies == 0 {
		f.Status, f.Means = Warn, "Without net.ipv4.tcp_syncookies new peers are dropped when three quarters of it are in use."
		f.Advice, f.Command = "Switch SYN cookies on.", "sysctl -w net.ipv4.tcp_syncookies=1"
	}
	return &f
}
