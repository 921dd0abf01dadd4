package doctor

import (
	"fmt"
	"math"
)

// target is how many connections advice is for: those asked for, or as many as are no longer few.
func (p *Plan) target() int64 { return max(p.Asked, few) }

// files is the limit of open files: a connection takes one.
func files(s *Snapshot, p *Plan) *Finding {
	need := filesFor(p.inEach(p.target()))
	means := fmt.Sprintf("Each connection takes one; %d are kept for everything else.", reserve(s.Files))
	if p.Workers > 1 {
		means += fmt.Sprintf(" %d workers have as many each.", p.Workers)
	}
	advice := fmt.Sprintf("Raise it to %d: LimitNOFILE= of the service, --ulimit nofile= of the container, or /etc/security/limits.conf for a login.", need)
	if most, ok := s.sysctl("fs.nr_open", 0); ok && most < need {
		advice += fmt.Sprintf(" fs.nr_open, which is %d, must be raised before: it is the most that can be asked for.", most)
	}
	value := "unlimited"
	if s.Files < math.MaxInt64 {
		value = fmt.Sprint(s.Files)
	}
	return bound(p, p.inAll(s.Files-reserve(s.Files)), Finding{Name: "open files", Value: value, Means: means}, advice, fmt.Sprintf("ulimit -n %d", need))
}

// filesOfAll is what is left of the files that all processes may have open.
func filesOfAll(s *Snapshot, p *Plan) *Finding {
	most, ok := s.sysctl("fs.file-max", 0)
	if !ok {
		return nil
	}
	open, _ := s.sysctl("fs.file-nr", 0)
	unused, _ := s.sysctl("fs.file-nr", 1)
	open -= unused
	value, need := fmt.Sprint(most), open+filesFor(p.target())
	if most > 1e15 {
		value = "no bound"
	}
	return bound(p, most-open-reserve(most), Finding{Name: "fs.file-max", Value: value,
		Means: fmt.Sprintf("Files of all processes together; %s are open.", count(open))},
		fmt.Sprintf("Raise it to %d at least.", need), fmt.Sprintf("sysctl -w fs.file-max=%d", need))
}

// configured is the server's own bound.
func configured(_ *Snapshot, p *Plan) *Finding {
	if p.MaxConns == 0 {
		return nil
	}
	return bound(p, p.MaxConns, Finding{Name: "max_conns", Value: fmt.Sprint(p.MaxConns), Means: "Beyond it new connections are answered 503."},
		fmt.Sprintf("Raise limits.max_conns, or --max-conns, to %d.", p.target()), "")
}

// memory is what there is for the process and for the kernel's part of its connections.
func memory(s *Snapshot, p *Plan) *Finding {
	left, group := s.memory()
	if left == 0 && !group {
		return nil
	}
	each := p.UserBytes + KernelBytes
	f := Finding{Name: "memory", Value: fmt.Sprintf("%s available of %s", size(left), size(s.MemTotal)),
		Means: fmt.Sprintf("An idle connection takes %s B of the process and %s B of the kernel; beside them %s may go into output, history and the process itself.",
			count(p.UserBytes), count(KernelBytes), size(p.NodeBytes))}
	if group {
		f.Value = fmt.Sprintf("%s left of the cgroup's memory.max, %s", size(left), size(s.Group.Memory))
	}
	if s.Group.Old {
		f.Means += " A limit by cgroups, version 1, would not be seen."
	}
	return atWorst(p, (left-p.NodeBytes)/each, bound(p, (left-ProcessBytes)/each, f,
		fmt.Sprintf("%s connections need %s.", count(p.target()), size(ProcessBytes+p.target()*each)), ""))
}

// atWorst warns where n connections, which are what fits beside all that output and history may take, are too few.
func atWorst(p *Plan, n int64, f *Finding) *Finding {
	if f.Status == OK && n < p.target() {
		f.Status = Warn
		f.Advice = fmt.Sprintf("When output and history take all that they may, %s connections fit: set limits.node_max_bytes and limits.history_max_bytes (--memory, --history-memory) lower.",
			count(max(n, 0)))
	}
	return f
}

// goMemory is GOMEMLIMIT. It counts what Go has, so not the kernel's part.
func goMemory(s *Snapshot, p *Plan) *Finding {
	left, group := s.memory()
	if s.GoMemLimit == 0 && !group {
		return nil
	}
	conns := max(p.Asked, min((left-p.NodeBytes)/(p.UserBytes+KernelBytes), max(p.inAll(s.Files-reserve(s.Files)), 0)), 0)
	want := (p.NodeBytes + conns*p.UserBytes) * 5 / 4 >> 20
	advice, command := fmt.Sprintf("Set it to what %s connections need, and a quarter more.", count(conns)), fmt.Sprintf("GOMEMLIMIT=%dMiB", want)
	if s.GoMemLimit == 0 {
		return &Finding{Name: "GOMEMLIMIT", Value: "not set", Status: Warn,
			Means:  "Go's collector does not know of the cgroup's memory.max, beyond which the process is killed.",
			Advice: advice, Command: command}
	}
	return atWorst(p, (s.GoMemLimit-p.NodeBytes)/p.UserBytes, bound(p, (s.GoMemLimit-ProcessBytes)/p.UserBytes, Finding{Name: "GOMEMLIMIT", Value: size(s.GoMemLimit),
		Means: "Near it Go's collector runs ever more often. What sockets take of the kernel is not in it."}, advice, command))
}

// tracked is the table of netfilter's connection tracking.
func tracked(s *Snapshot, p *Plan) *Finding {
	most, ok := s.sysctl("net.netfilter.nf_conntrack_max", 0)
	if !ok {
		return nil
	}
	used, _ := s.sysctl("net.netfilter.nf_conntrack_count", 0)
	f := Finding{Name: "net.netfilter.nf_conntrack_max", Value: fmt.Sprint(most)}
	if used == 0 {
		f.Status, f.Means = OK, "Nothing is tracked now. Once a rule of the firewall asks for it each connection takes an entry, and this becomes a bound."
		return &f
	}
	f.Means = fmt.Sprintf("The firewall tracks connections, %s now. When the table is full new ones are dropped.", count(used))
	need := used + p.target()*5/4
	return bound(p, most-used, f, fmt.Sprintf("Have it not track those of the server (a notrack rule), or raise it to %d.", need),
		fmt.Sprintf("sysctl -w net.netfilter.nf_conntrack_max=%d", need))
}
