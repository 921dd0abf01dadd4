package metrics

import (
	"bytes"
	"os"
	"runtime"
	"runtime/metrics"
	"strconv"
	"syscall"
	"time"
)

// Usage is what the process uses.
type Usage struct {
	CPU        time.Duration // user and system, since it began
	CPUs       int           // that it may use at once
	Resident   int64         // bytes of memory; 0 where the system does not say
	Heap       int64         // bytes of heap objects, dead ones included that are not swept yet
	Goroutines int64
}

// ReadUsage asks the system and the Go runtime.
func ReadUsage() Usage {
	samples := []metrics.Sample{{Name: "/sched/goroutines:goroutines"}, {Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(samples)
	u := Usage{CPUs: runtime.NumCPU(), Goroutines: int64(samples[0].Value.Uint64()), Heap: int64(samples[1].Value.Uint64())}
	u.CPU, _ = cpuTime()
	u.Resident, _ = residentBytes()
	return u
}

// cpuTime is user and system time.
func cpuTime() (used time.Duration, ok bool) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, false
	}
	return time.Duration(u.Utime.Nano()) + time.Duration(u.Stime.Nano()), true
}

// residentBytes is the memory of the process, as Linux tells it: pages in all, pages in memory, …
func residentBytes() (n int64, ok bool) {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, false
	}
	fields := bytes.Fields(text)
	if len(fields) < 2 {
		return 0, false
	}
	pages, err := strconv.ParseInt(string(fields[1]), 10, 64)
	return pages * int64(os.Getpagesize()), err == nil
}
