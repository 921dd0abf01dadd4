package loadtest

// serverProbe follows the server's process through a run. Without a process it does nothing. A process that cannot be read
// any more does not end the run: the first problem is kept for the report.
type serverProbe struct {
	pid     int // 0: none
	problem error

	atStart, atRest, atBegin, atEnd, atLast processUsage
	slabStart, slabRest                     int64
	beginAt, endAt                          int64
	ended                                   bool

	sampledCPU, sampledAt int64 // by second
}

func (s *serverProbe) usage() (u processUsage) {
	if s.pid == 0 || s.problem != nil {
		return u
	}
	u, s.problem = probeProcess(s.pid)
	return u
}

func (s *serverProbe) slab() (bytes int64) {
	if s.pid == 0 || s.problem != nil {
		return 0
	}
	bytes, s.problem = slabBytes()
	return bytes
}

// before is before the first connection.
func (s *serverProbe) before() {
	s.atStart = s.usage()
	s.sampledCPU = s.atStart.CPU
	s.slabStart = s.slab()
}

// settled is with all connections, before the first message.
func (s *serverProbe) settled() {
	s.atRest = s.usage()
	s.slabRest = s.slab()
}

func (s *serverProbe) begin(now int64) { s.atBegin, s.beginAt = s.usage(), now }

func (s *serverProbe) end(now int64) {
	s.atEnd, s.endAt = s.usage(), now
	s.ended = s.beginAt > 0
}

// second returns the CPU time per time since its last call, and the memory in use; zeros where there is nothing to read.
func (s *serverProbe) second(now int64) (cpu float64, rss int64) {
	used, rss, ok := s.sample()
	if !ok {
		return 0, 0
	}
	if now > s.sampledAt {
		cpu = float64(used-s.sampledCPU) / float64(now-s.sampledAt)
	}
	s.sampledCPU, s.sampledAt = used, now
	return cpu, rss
}

// sample is what the process has used by now, cheaply: it is read once a second. ok is false where there is nothing to read;
// that a process has gone is for the readings above to report.
func (s *serverProbe) sample() (cpu, rss int64, ok bool) {
	if s.pid == 0 {
		return 0, 0, false
	}
	cpu, err := processCPU(s.pid)
	if err != nil {
		return 0, 0, false
	}
	rss, err = roughResidentBytes(s.pid)
	return cpu, rss, err == nil
}

// after is with all connections, after the last message.
func (s *serverProbe) after() { s.atLast = s.usage() }

// report sums up; nil without a process.
func (s *serverProbe) report(conns int, deliveries uint64) *Server {
	if s.pid == 0 {
		return nil
	}
	out := &Server{
		PID:       s.pid,
		RSSBefore: s.atStart.RSSBytes, RSSSettled: s.atRest.RSSBytes, RSSAfter: s.atLast.RSSBytes,
	}
	if s.problem != nil {
		out.Problem = s.problem.Error()
		return out
	}
	perConn := 1 / float64(max(conns, 1))
	out.RSSPerConn = float64(s.atRest.RSSBytes-s.atStart.RSSBytes) * perConn
	out.SlabPerConn = float64(s.slabRest-s.slabStart) * perConn
	out.SetupCPUPerConn = float64(s.atRest.CPU-s.atStart.CPU) / 1e3 * perConn
	if !s.ended {
		return out
	}
	cpu := float64(s.atEnd.CPU - s.atBegin.CPU)
	out.CPUSecs = cpu / 1e9
	out.UserSecs = float64(s.atEnd.User-s.atBegin.User) / 1e9
	out.SystemSecs = float64(s.atEnd.System-s.atBegin.System) / 1e9
	out.WindowSecs = float64(s.endAt-s.beginAt) / 1e9
	if deliveries > 0 {
		out.CPUPerDelivery = cpu / 1e3 / float64(deliveries)
	}
	out.CPUPerConnSecond = cpu / 1e3 * perConn / out.WindowSecs
	return out
}
