package main

import (
	"os"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"
)

const (
	// monitorSlack is the timer slack, in nanoseconds, of the thread on which the Go runtime watches over the others.
	monitorSlack = 4_000_000
	// usualSlack is that of other threads, Linux's own default.
	usualSlack = 50_000
	// spareThreads are made beforehand, beyond one for each P: what the monitor made later would have its slack.
	spareThreads = 8
	// monitorVariable in the environment says that the program has been started with monitorSlack, or should be left alone.
	monitorVariable = "WSEDGE_MONITOR"
	// calmedMonitor in the environment says the former.
	calmedMonitor = monitorVariable + "=calm"
)

// init ends the slack for all threads but the monitor's, or nearly all, which is as good: for the main one, on which packages
// are initialised, and for as many others as the runtime has by now and will need, which keep what their creators had.
func init() {
	if os.Getenv(monitorVariable) != "calm" {
		return
	}
	tighten()
	existing, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return
	}
	var tight, ended sync.WaitGroup
	release := make(chan struct{})
	for range len(existing) + runtime.GOMAXPROCS(0) + spareThreads {
		tight.Add(1)
		ended.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			tighten()
			tight.Done()
			<-release // until each has a thread of its own
		})
	}
	tight.Wait()
	close(release)
	ended.Wait()
}

// tighten gives the calling thread the usual slack.
func tighten() { _ = unix.Prctl(unix.PR_SET_TIMERSLACK, usualSlack, 0, 0, 0) }

// calmMonitor starts the program anew, in the same process, with a monitor thread that wakes some 200 times a second at
// most. Left alone it wakes up to 4,000 times a second while a server works in short bursts, which costs a third of the
// CPU at 500 subscribers (docs/decisions/0008). Only its creator can give a thread its slack, and the monitor is there before
// any code of a program. Where it can't be done nothing is lost but CPU.
func calmMonitor() {
	if _, told := os.LookupEnv(monitorVariable); told {
		return
	}
	path, err := os.Executable()
	if err != nil || unix.Prctl(unix.PR_SET_TIMERSLACK, monitorSlack, 0, 0, 0) != nil {
		return
	}
	_ = unix.Exec(path, os.Args, append(os.Environ(), calmedMonitor))
	tighten()
}
