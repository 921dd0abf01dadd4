package doctor

import (
	"bufio"
	"bytes"
	"io/fs"
	"math"
	"path"
	"strconv"
	"strings"
)

// looked are the sysctls that are looked at, beside those of Settings.
var looked = []string{
	"fs.file-max", "fs.file-nr", "fs.nr_open",
	"net.ipv4.ip_local_port_range", "net.ipv4.tcp_max_syn_backlog", "net.ipv4.tcp_mem", "net.ipv4.tcp_rmem",
	"net.netfilter.nf_conntrack_count", "net.netfilter.nf_conntrack_max",
}

// Look reads what root, the file system from / on, says about the machine and the process of that number, or "self". What cannot
// be read stays unknown.
func Look(root fs.FS, process string) Snapshot {
	proc := "proc/" + process + "/"
	s := Snapshot{Sysctls: map[string][]int64{}}
	s.Files = openFiles(lines(root, proc+"limits"))
	s.Seen = s.Files > 0
	for _, name := range looked {
		s.look(root, name)
	}
	for _, setting := range Settings {
		s.look(root, setting.Name)
	}
	s.MemTotal = kilobytes(lines(root, "proc/meminfo"), "MemTotal:")
	s.MemAvailable = kilobytes(lines(root, "proc/meminfo"), "MemAvailable:")
	s.Hugepages = chosen(lines(root, "sys/kernel/mm/transparent_hugepage/enabled"))
	s.CPUs = cpus(lines(root, proc+"status"))
	s.Group = lookAtGroup(root, lines(root, proc+"cgroup"))
	s.environment(root, proc)
	return s
}

func (s *Snapshot) look(root fs.FS, name string) {
	if numbers := integers(root, "proc/sys/"+strings.ReplaceAll(name, ".", "/")); len(numbers) > 0 {
		s.Sysctls[name] = numbers
	}
}

// environment takes the two variables that matter here, and nothing else of it.
func (s *Snapshot) environment(root fs.FS, proc string) {
	text, _ := fs.ReadFile(root, proc+"environ")
	for variable := range bytes.SplitSeq(text, []byte{0}) {
		name, value, _ := strings.Cut(string(variable), "=")
		switch name {
		case "GOMAXPROCS":
			s.GoMaxProcs, _ = strconv.Atoi(value)
		case "GOMEMLIMIT":
			s.GoMemLimit = goBytes(value)
		}
	}
}

// lines are those of a file, none of one that can't be read.
func lines(root fs.FS, name string) (all []string) {
	text, err := fs.ReadFile(root, name)
	if err != nil {
		return nil
	}
	for scan := bufio.NewScanner(bytes.NewReader(text)); scan.Scan(); {
		all = append(all, scan.Text())
	}
	return all
}

// integers are those that a file consists of. The word max is the most there is.
func integers(root fs.FS, name string) (all []int64) {
	for _, line := range lines(root, name) {
		for _, word := range strings.Fields(line) {
			if word == "max" {
				all = append(all, math.MaxInt64)
				continue
			}
			n, err := strconv.ParseInt(word, 10, 64)
			if err != nil {
				return nil
			}
			all = append(all, n)
		}
	}
	return all
}

// openFiles is the hard limit in /proc/PID/limits.
func openFiles(limits []string) int64 {
	for _, line := range limits {
		if rest, ok := strings.CutPrefix(line, "Max open files"); ok {
			if words := strings.Fields(rest); len(words) > 1 {
				if words[1] == "unlimited" {
					return math.MaxInt64
				}
				n, _ := strconv.ParseInt(words[1], 10, 64)
				return n
			}
		}
	}
	return 0
}

// kilobytes is the number behind a name in a file such as /proc/meminfo, in bytes.
func kilobytes(text []string, name string) int64 {
	for _, line := range text {
		if rest, ok := strings.CutPrefix(line, name); ok {
			n, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(rest, "kB")), 10, 64)
			return n << 10
		}
	}
	return 0
}

// chosen is the word in brackets.
func chosen(text []string) string {
	if len(text) == 0 {
		return ""
	}
	_, rest, _ := strings.Cut(text[0], "[")
	word, _, _ := strings.Cut(rest, "]")
	return word
}

// cpus counts a list such as 0-3,8.
func cpus(status []string) (n int) {
	for _, line := range status {
		list, ok := strings.CutPrefix(line, "Cpus_allowed_list:")
		if !ok {
			continue
		}
		for part := range strings.SplitSeq(strings.TrimSpace(list), ",") {
			first, last, isRange := strings.Cut(part, "-")
			if !isRange {
				last = first
			}
			from, err1 := strconv.Atoi(first)
			to, err2 := strconv.Atoi(last)
			if err1 == nil && err2 == nil && to >= from {
				n += to - from + 1
			}
		}
	}
	return n
}

// lookAtGroup goes from the group of the process up to the root and takes the lowest of each limit.
func lookAtGroup(root fs.FS, membership []string) (g Group) {
	at, unified := "", false
	for _, line := range membership {
		if rest, ok := strings.CutPrefix(line, "0::"); ok {
			at, unified = path.Clean("/"+rest), true
		} else if strings.Contains(line, ":memory:") {
			g.Old = true
		}
	}
	for ; unified; at = path.Dir(at) {
		dir := path.Join("sys/fs/cgroup", at)
		if most := integers(root, dir+"/memory.max"); len(most) == 1 && most[0] < math.MaxInt64 && (g.Memory == 0 || most[0] < g.Memory) {
			g.Memory, g.MemoryUsed = most[0], memoryUsed(root, dir)
		}
		if quota := integers(root, dir+"/cpu.max"); len(quota) == 2 && quota[0] < math.MaxInt64 && quota[1] > 0 {
			if share := float64(quota[0]) / float64(quota[1]); g.CPUs == 0 || share < g.CPUs {
				g.CPUs = share
			}
		}
		if at == "/" {
			break
		}
	}
	return g
}

func memoryUsed(root fs.FS, dir string) int64 {
	current := integers(root, dir+"/memory.current")
	if len(current) != 1 {
		return 0
	}
	for _, line := range lines(root, dir+"/memory.stat") {
		if rest, ok := strings.CutPrefix(line, "inactive_file "); ok {
			n, _ := strconv.ParseInt(rest, 10, 64)
			return max(current[0]-n, 0)
		}
	}
	return current[0]
}

// goBytes reads what GOMEMLIMIT takes; 0 is off, or nothing that it takes.
func goBytes(text string) int64 {
	for i, unit := range []string{"TiB", "GiB", "MiB", "KiB", "B"} {
		if number, ok := strings.CutSuffix(text, unit); ok {
			n, _ := strconv.ParseInt(number, 10, 64)
			return max(n, 0) << (10 * (4 - i))
		}
	}
	n, _ := strconv.ParseInt(text, 10, 64)
	return max(n, 0)
}
