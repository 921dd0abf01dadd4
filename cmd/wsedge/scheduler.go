package main

import (
	"flag"
	"runtime"
)

// addLoops declares --loops.
func addLoops(flags *flag.FlagSet, loops *int) {
	flags.IntVar(loops, "loops", 0, "event loops, each of which keeps a CPU busy under load (default: as many as GOMAXPROCS)")
}

// planLoops returns how many event loops to run, asked for or, if 0, one for each CPU that GOMAXPROCS allows; and gives the Go
// scheduler one P more than that. A loop that waits in epoll keeps its P for up to 10 ms: with none to spare nobody polls
// the network for the goroutines of HTTP requests meanwhile (docs/decisions/0008).
func planLoops(asked int) int {
	if asked == 0 {
		asked = runtime.GOMAXPROCS(0)
	}
	if asked > 0 {
		runtime.GOMAXPROCS(asked + 1)
	}
	return asked
}
