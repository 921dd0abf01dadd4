package metrics

import (
	"math"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"syscall"
	"time"
)

// started is when the process began, as near as it matters for telling one run from the next.
var started = time.Now()

// AppendProcess appends what the process and its Go runtime use, by the names of Prometheus' client library for Go.
func AppendProcess(dst []byte) []byte {
	e := exposition{dst}
	samples := []metrics.Sample{
		{Name: "/sched/goroutines:goroutines"}, {Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/unused:bytes"},
		{Name: "/gc/heap/allocs:bytes"}, {Name: "/memory/classes/total:bytes"},
	}
	metrics.Read(samples)
	value := func(i int) int64 { return int64(samples[i].Value.Uint64()) }
	e.one("go_goroutines", "gauge", "Goroutines.", value(0))
	e.one("go_memstats_heap_alloc_bytes", "gauge", "Bytes of heap objects, dead ones included that are not swept yet.", value(1))
	e.one("go_memstats_heap_inuse_bytes", "gauge", "Bytes of heap spans in use.", value(1)+value(2))
	e.one("go_memstats_alloc_bytes_total", "counter", "Bytes allocated so far.", value(3))
	e.one("go_memstats_sys_bytes", "gauge", "Bytes that the Go runtime has from the system.", value(4))
	var collections debug.GCStats
	debug.ReadGCStats(&collections)
	e.head("go_gc_duration_seconds", "summary", "Pauses of the garbage collector.")
	e.float("go_gc_duration_seconds_sum", collections.PauseTotal.Seconds())
	e.float("go_gc_duration_seconds_count", float64(collections.NumGC))
	e.process()
	return e.text
}

// process is what the system knows of us; what it does not say is left out.
func (e *exposition) process() {
	if used, ok := cpuTime(); ok {
		e.head("process_cpu_seconds_total", "counter", "CPU time, user and system.")
		e.float("process_cpu_seconds_total", used.Seconds())
	}
	e.head("process_start_time_seconds", "gauge", "Unix time at which the process began.")
	e.float("process_start_time_seconds", float64(started.UnixMilli())/1e3)
	if n, ok := residentBytes(); ok {
		e.one("process_resident_memory_bytes", "gauge", "Resident memory.", n)
	}
	e.descriptors()
}

// descriptors are the open files, of which each connection takes one, and how many there may be.
func (e *exposition) descriptors() {
	if n, ok := openFiles(); ok {
		e.one("process_open_fds", "gauge", "Open file descriptors.", n)
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err == nil {
		e.one("process_max_fds", "gauge", "Most open file descriptors.", int64(min(limit.Cur, math.MaxInt64)))
	}
}

// openFiles counts the open files. Linux says in the directory's size how many there are, from 6.2 on; before that, each has to be read.
func openFiles() (int64, bool) {
	about, err := os.Stat("/proc/self/fd")
	if err != nil {
		return 0, false
	}
	if n := about.Size(); n > 0 {
		return n, true
	}
	entries, err := os.ReadDir("/proc/self/fd")
	return int64(len(entries)), err == nil
}

func (e *exposition) float(name string, value float64) {
	e.text = append(e.text, name+" "+strconv.FormatFloat(value, 'f', -1, 64)+"\n"...)
}
