package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	_ "net/http/pprof" // the profiles of the server's admin address
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"syscall"
	"time"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/reactor"
)

// figures are a server's, at one moment.
type figures struct {
	RSS        int64         // bytes, as they are
	Freed      int64         // RSS once a collection was asked for and its gain given back to the kernel
	CPU        time.Duration // user and system, since the start
	Waited     time.Duration // its threads', for a core, since the start: what else runs on the machine shows here
	Heap       int64         // bytes alive, after a collection if one was asked for
	Objects    int64
	Stack      int64 // bytes in use
	Goroutines int
	GCs        uint32
	Server     reactor.Stats
}

func sendStats(w http.ResponseWriter, r *http.Request, server *reactor.Server) {
	var f figures
	f.RSS = residentBytes() // before the collection: as it is
	f.CPU, f.Waited = usedCPU(), waitedForCPU()
	if r.FormValue("gc") != "" {
		for range 3 {
			runtime.GC()
		}
		debug.FreeOSMemory()
		f.Freed = residentBytes()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	f.Heap, f.Objects, f.Stack, f.GCs = int64(m.HeapAlloc), int64(m.HeapObjects), int64(m.StackInuse), m.NumGC
	f.Goroutines = runtime.NumGoroutine()
	if server != nil {
		f.Server = server.Stats()
	}
	_ = json.NewEncoder(w).Encode(&f)
}

func usedCPU() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// waitedForCPU sums up how long the threads that there are were ready to run and had no core.
func waitedForCPU() (sum time.Duration) {
	threads, _ := filepath.Glob("/proc/self/task/*/schedstat")
	for _, name := range threads {
		line, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		var ran, waited int64 // nanoseconds
		if _, err := fmt.Sscan(string(line), &ran, &waited); err == nil {
			sum += time.Duration(waited)
		}
	}
	return sum
}

// residentBytes is VmRSS of this process.
func residentBytes() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(status, []byte("VmRSS:"))
	var kilobytes int64
	_, _ = fmt.Sscan(string(rest), &kilobytes)
	return kilobytes << 10
}

// publish sends publications at a rate for some time, and returns when the last was posted.
func publish(w http.ResponseWriter, r *http.Request, server *reactor.Server, topic *reactor.Topic) {
	if server == nil {
		http.Error(w, "this mode publishes nothing", http.StatusNotImplemented)
		return
	}
	count, _ := strconv.Atoi(r.FormValue("count"))
	size, _ := strconv.Atoi(r.FormValue("payload"))
	rate, _ := strconv.ParseFloat(r.FormValue("rate"), 64)
	payload := bytes.Repeat([]byte("x"), size)
	start := time.Now()
	for i := range count {
		time.Sleep(time.Until(start.Add(time.Duration(float64(i) / rate * float64(time.Second)))))
		if _, err := topic.Broadcast(frame.OpText, payload); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
	}
}

// ask reads the figures of the server whose admin address that is.
func ask(admin string, collect bool) (f figures, err error) {
	url := "http://" + admin + "/stats"
	if collect {
		url += "?gc=1"
	}
	body, err := get(url)
	if err != nil {
		return f, err
	}
	return f, json.Unmarshal(body, &f)
}

func get(url string) ([]byte, error) {
	resp, err := http.Get(url)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", url, resp.Status, body)
	}
	return body, err
}
