package doctor

// Snapshot is what a machine says about itself and one process. What could not be read is 0, or absent.
type Snapshot struct {
	// Seen is whether there was anything to look at. Only Linux has it.
	Seen bool

	// Files is how many descriptors the process may open: its hard limit, to which the Go runtime raises the soft one at start.
	Files int64
	// Sysctls are their numbers by name, as in net.ipv4.tcp_mem.
	Sysctls map[string][]int64
	// Hugepages is the chosen policy of transparent huge pages: always, madvise or never.
	Hugepages string

	// MemTotal and MemAvailable are the machine's, in bytes.
	MemTotal, MemAvailable int64
	// Group is the strictest cgroup that the process is in.
	Group Group

	// CPUs is how many the process may run on.
	CPUs int
	// GoMaxProcs and GoMemLimit are what the environment of the process sets, the latter in bytes.
	GoMaxProcs int
	GoMemLimit int64
}

// Group is what cgroups, version 2, grant. 0 is no limit.
type Group struct {
	// Memory is memory.max in bytes, the lowest on the way to the root, and MemoryUsed what that group has that cannot be reclaimed
	// easily: memory.current less inactive_file.
	Memory, MemoryUsed int64
	// CPUs is cpu.max, the lowest on the way to the root, as a number of CPUs.
	CPUs float64
	// Old is whether memory is limited by version 1, which is not looked at.
	Old bool
}

// sysctl is the number of that name at index i; ok is whether it is known.
func (s *Snapshot) sysctl(name string, i int) (n int64, ok bool) {
	if numbers := s.Sysctls[name]; i < len(numbers) {
		return numbers[i], true
	}
	return 0, false
}

// memory is what a process may still take, in bytes, and whether its cgroup decides that, not the machine.
func (s *Snapshot) memory() (left int64, group bool) {
	if s.Group.Memory > 0 {
		if room := max(s.Group.Memory-s.Group.MemoryUsed, 0); room < s.MemAvailable || s.MemAvailable == 0 {
			return room, true
		}
	}
	return s.MemAvailable, false
}

// procs is how many CPUs Go uses: what GOMAXPROCS says, or else the CPUs, or the quota rounded up, but not below 2
// (runtime.GOMAXPROCS).
func (s *Snapshot) procs() int {
	switch {
	case s.GoMaxProcs > 0:
		return s.GoMaxProcs
	case s.Group.CPUs > 0:
		whole := int(s.Group.CPUs)
		if float64(whole) < s.Group.CPUs {
			whole++
		}
		return min(s.CPUs, max(whole, 2))
	}
	return s.CPUs
}
