package console

import "maps"

// Add adds what o has to s: the figures of several processes that look like one. Node, AtMs and the buckets' bounds are those of s where it has
// any; Draining is whether all drain.
func (s *Stats) Add(o *Stats) {
	if s.LagBounds == nil {
		s.LagBounds, s.Draining = o.LagBounds, o.Draining
	}
	s.Draining, s.Auth = s.Draining && o.Draining, s.Auth || o.Auth
	s.Pressure, s.CPUs = max(s.Pressure, o.Pressure), max(s.CPUs, o.CPUs)
	gauges, others := s.gauges(), o.gauges()
	for i, g := range gauges {
		*g += *others[i]
	}
	s.AddTotals(o)
}

// AddTotals adds only what counts since the process began: of one that has ended, so that no total of several goes back.
func (s *Stats) AddTotals(o *Stats) {
	totals, others := s.totals(), o.totals()
	for i, t := range totals {
		*t += *others[i]
	}
	s.CPUSeconds += o.CPUSeconds
	for len(s.LagCounts) < len(o.LagCounts) {
		s.LagCounts = append(s.LagCounts, 0)
	}
	for i, n := range o.LagCounts {
		s.LagCounts[i] += n
	}
	reasons, theirs := s.byReason(), o.byReason()
	for i, m := range reasons {
		*m = maps.Clone(*m) // it may be another's
		for reason, n := range *theirs[i] {
			if *m == nil {
				*m = make(map[string]int64)
			}
			(*m)[reason] += n
		}
	}
}

// gauges are what may fall, but for what can't be summed.
func (s *Stats) gauges() []*int64 {
	return []*int64{
		&s.Connections, &s.HTTP, &s.Sockets, &s.Congested, &s.Loops, &s.Channels, &s.QueuedBytes, &s.InFlightBytes, &s.HistoryBytes,
		&s.RSSBytes, &s.HeapBytes, &s.Goroutines,
	}
}

func (s *Stats) totals() []*int64 {
	return []*int64{&s.Accepted, &s.Deliveries, &s.MessagesIn, &s.MessagesOut, &s.BytesIn, &s.BytesOut, &s.Sends}
}

func (s *Stats) byReason() []*map[string]int64 {
	return []*map[string]int64{
		&s.Drops, &s.Ended, &s.Refused, &s.Violations, &s.Limited, &s.Denied, &s.APIRefused, &s.Tokens, &s.Logins, &s.Others,
	}
}
