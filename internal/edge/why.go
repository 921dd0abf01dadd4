package edge

import (
	"github.com/wsedge/wsedge/internal/flight"
	"github.com/wsedge/wsedge/reactor"
)

// maxWhy bounds the connections of a user that one answer tells of.
const maxWhy = 20

// dropNames are the reactor's reasons for which publications are dropped.
var dropNames = func() (names flight.Names) {
	for reason := reactor.DropSlow; reason <= reactor.DropSuspended; reason++ {
		names = append(names, reason.String())
	}
	return names
}()

// why tells, as a JSON array, what this node has recorded of a client, by its id, or of the last connections of a user that have ended; exactly one of the
// two is given. recording is false where nothing is recorded. Safe from any goroutine.
func (s *Server) why(client, user string) (reports []byte, recording bool) {
	r := s.flights.Load()
	if r == nil {
		return nil, false
	}
	var found []flight.Report
	if client == "" {
		found = r.User(user, maxWhy)
	} else if number, ok := s.clients.number(client); ok {
		if report, ok := r.Client(number); ok {
			found = append(found, report)
		}
	}
	channels := s.channelNames(found)
	reports = append(reports, '[')
	for i := range found {
		if i > 0 {
			reports = append(reports, ',')
		}
		reports = found[i].AppendJSON(reports, s.clients.id(found[i].Number), channels, dropNames)
	}
	return append(reports, ']'), true
}

// channelNames finds the names of the channels that the reports have hashes of, as far as they are open, and each hash is that of one only. It
// looks at all channels of the node.
func (s *Server) channelNames(reports []flight.Report) map[uint64]string {
	names := make(map[uint64]string)
	for i := range reports {
		for hash := range reports[i].Channels() {
			names[hash] = ""
		}
	}
	if len(names) == 0 {
		return names
	}
	twice := make(map[uint64]bool)
	s.hub.EachName(func(name string) {
		hash := flight.ChannelOf(name)
		if was, wanted := names[hash]; wanted {
			names[hash], twice[hash] = name, twice[hash] || was != ""
		}
	})
	for hash, more := range twice {
		if more {
			delete(names, hash)
		}
	}
	return names
}
