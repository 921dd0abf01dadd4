package edge

import (
	"sync/atomic"

	"github.com/wsedge/wsedge/internal/dialect/native"
	"github.com/wsedge/wsedge/internal/metrics"
)

// traffic counts who is connected, and what clients ask for. All methods are safe from any goroutine.
type traffic struct {
	native, raw   atomic.Int64 // clients
	subscriptions atomic.Int64
	commands      [commandShards]commandCounts
}

// commandShards keeps loops from waiting for each other's counters: clients are spread over so many.
const commandShards = 16

// commandCounts are by verb. Each has cache lines of its own.
type commandCounts struct {
	byVerb [native.NumVerbs]atomic.Int64
	_      [128 - 8*native.NumVerbs%128]byte
}

// command counts one of a client's; 0 is the verb of those with a mistake.
func (t *traffic) command(client uint64, verb native.Verb) {
	t.commands[client%commandShards].byVerb[verb].Add(1)
}

// trafficStats are what was counted, with what the hub has.
func (s *Server) trafficStats() metrics.Traffic {
	stats := metrics.Traffic{
		Clients:       map[string]int64{"native": s.traffic.native.Load(), "raw": s.traffic.raw.Load()},
		Subscriptions: s.traffic.subscriptions.Load(), Commands: make(map[string]int64), Hub: s.hub.Traffic(),
	}
	for i := range s.traffic.commands {
		for verb := range s.traffic.commands[i].byVerb {
			stats.Commands[native.Verb(verb).String()] += s.traffic.commands[i].byVerb[verb].Load()
		}
	}
	return stats
}
