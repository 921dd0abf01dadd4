package loadtest

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// processUsage is what processes have used of CPU time, and use of memory.
type processUsage struct {
	CPU         int64 // ns
	User        int64 // ns, in ticks of 10 ms
	System      int64 // ns, in ticks of 10 ms
	Threads     int64
	Voluntary   int64 // context switches of the threads that live
	Involuntary int64
	RSSBytes    int64
	PSSBytes    int64 // 0 where the kernel does not say
}

const (
	nanosPerTick = 10e6 // USER_HZ is 100 on every Linux that Go runs on
	kibibyte     = 1024
)

// readTimes adds what a process has used of CPU time.
func readTimes(pid int, u *processUsage) error {
	user, system, err := statTimes(pid)
	if err != nil {
		return err
	}
	cpu, err := processCPU(pid)
	if err != nil {
		cpu = user + system
	}
	u.User, u.System, u.CPU = u.User+user, u.System+system, u.CPU+cpu
	return addSwitches(pid, u)
}

// addSwitches sums up over the threads: /proc/PID/status has the first one's alone. One that ends meanwhile is left out.
func addSwitches(pid int, u *processUsage) error {
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		return err
	}
	for _, task := range tasks {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/status", pid, task.Name()))
		if err != nil {
			continue
		}
		u.Threads++
		for line := range strings.Lines(string(text)) {
			name, value, _ := strings.Cut(line, ":")
			n, _ := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
			switch name {
			case "voluntary_ctxt_switches":
				u.Voluntary += n
			case "nonvoluntary_ctxt_switches":
				u.Involuntary += n
			}
		}
	}
	return nil
}

// readMemory adds what a process has in memory.
func readMemory(pid int, u *processUsage) error {
	rss, pss, err := residentBytes(pid)
	u.RSSBytes, u.PSSBytes = u.RSSBytes+rss, u.PSSBytes+pss
	return err
}

// processCPU reads another process's CPU-time clock, which counts nanoseconds where /proc/PID/stat counts ticks: a tick is
// a fifth of what 18,000 idle connections cost in 10 s. The clock's number is made as clock_getcpuclockid(3) makes it.
func processCPU(pid int) (int64, error) {
	const cpuClockSched = 2
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|cpuClockSched), &ts); err != nil {
		return 0, os.NewSyscallError("clock_gettime", err)
	}
	return ts.Nano(), nil
}

// statTimes reads fields 14 and 15 of /proc/PID/stat (proc_pid_stat(5)); the name before them may contain anything.
func statTimes(pid int) (user, system int64, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0, err
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) < 13 {
		return 0, 0, fmt.Errorf("/proc/%d/stat: %d fields", pid, len(fields))
	}
	var ticks [2]int64
	for i := range ticks {
		if ticks[i], err = strconv.ParseInt(fields[11+i], 10, 64); err != nil {
			return 0, 0, err
		}
	}
	return ticks[0] * nanosPerTick, ticks[1] * nanosPerTick, nil
}

// residentBytes sums the mappings up: the kernel's own running sum (statm) is off by some pages per CPU. pss is 0 where only
// that is to be had.
func residentBytes(pid int) (rss, pss int64, err error) {
	rollup := fmt.Sprintf("/proc/%d/smaps_rollup", pid)
	rss, err = kibField(rollup, "Rss:")
	if err != nil {
		rss, err = kibField(fmt.Sprintf("/proc/%d/status", pid), "VmRSS:")
		return rss * kibibyte, 0, err
	}
	pss, err = kibField(rollup, "Pss:")
	return rss * kibibyte, pss * kibibyte, err
}

// roughResidentBytes is the kernel's running sum: off by some pages per CPU, but read without a walk over the mappings.
func roughResidentBytes(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0, fmt.Errorf("/proc/%d/statm: %d fields", pid, len(fields))
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	return pages * int64(os.Getpagesize()), err
}

// slabBytes is what the kernel keeps for sockets, descriptors and all else, machine-wide.
func slabBytes() (int64, error) {
	kib, err := kibField("/proc/meminfo", "Slab:")
	return kib * kibibyte, err
}

// kibField finds a line such as "Slab:   1234 kB".
func kibField(path, name string) (int64, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == name {
			return strconv.ParseInt(fields[1], 10, 64)
		}
	}
	return 0, fmt.Errorf("%s has no %s", path, name)
}

// sysctls are those that bound connections or buffers.
var sysctls = []string{
	"fs.file-max", "fs.nr_open", "kernel.pid_max", "net.core.netdev_max_backlog", "net.core.rmem_max", "net.core.somaxconn", "net.core.wmem_max",
	"net.ipv4.ip_local_port_range", "net.ipv4.tcp_congestion_control", "net.ipv4.tcp_max_syn_backlog", "net.ipv4.tcp_mem",
	"net.ipv4.tcp_notsent_lowat", "net.ipv4.tcp_rmem", "net.ipv4.tcp_syncookies", "net.ipv4.tcp_tw_reuse", "net.ipv4.tcp_wmem",
	"net.netfilter.nf_conntrack_max",
}

// readSysctls leaves out what this kernel does not have.
func readSysctls() map[string]string {
	values := map[string]string{}
	for _, name := range sysctls {
		text, err := os.ReadFile("/proc/sys/" + strings.ReplaceAll(name, ".", "/"))
		if err == nil {
			values[name] = strings.Join(strings.Fields(string(text)), " ")
		}
	}
	return values
}

// environment describes the machine.
func environment() Environment {
	env := newEnvironment()
	var name unix.Utsname
	if err := unix.Uname(&name); err == nil {
		env.Kernel = unix.ByteSliceToString(name.Release[:])
	}
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err == nil {
		env.UsableCores = set.Count()
	}
	env.MemoryBytes, _ = kibField("/proc/meminfo", "MemTotal:")
	env.MemoryBytes *= kibibyte
	env.Sysctls = readSysctls()
	var files unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &files); err == nil {
		env.OpenFiles, env.OpenFilesHard = files.Cur, files.Max
	}
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			env.CPU = strings.TrimSpace(value)
			break
		}
	}
	return env
}
