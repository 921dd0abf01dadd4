package main

import (
	"flag"
	"os"
	"runtime"
	"runtime/debug"
)

// addLoops declares --loops.
func addLoops(flags *flag.FlagSet, loops *int) {
	flags.IntVar(loops, "loops", 0, "event loops, each of which keeps a CPU busy under load (default: as many as GOMAXPROCS)")
}

// gcPercent is how much the heap may grow between collections, in percent of what lives. Deliveries allocate nothing:
// garbage comes of handshakes and HTTP requests. Half of Go's default takes 100 B off an idle connection and costs
// no CPU that could be measured; a quarter takes another 100 B and costs 10 % of a handshake.
const gcPercent = 50

// tuneRuntime sets the runtime up for a server, and returns how many event loops to run: those asked for or, if 0, one for each
// CPU that GOMAXPROCS allows. The scheduler gets spare Ps beside those of the loops: 1 for a server to whose main job HTTP
// requests belong. A loop that waits in epoll keeps its P for up to 10 ms, and with none to spare nobody polls the network for
// the goroutines of requests meanwhile (docs/decisions/0008); without requests a spare one only wakes threads for nothing.
func tuneRuntime(asked, spare int) int {
	if asked == 0 {
		asked = runtime.GOMAXPROCS(0)
	}
	if asked > 0 {
		runtime.GOMAXPROCS(asked + spare)
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	return asked
}
