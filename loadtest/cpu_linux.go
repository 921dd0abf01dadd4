package loadtest

import "golang.org/x/sys/unix"

// cpuMark measures CPU time over a stretch of wall time, of this thread or this process.
type cpuMark struct {
	begun, ended bool
	clock        int32 // unix.CLOCK_THREAD_CPUTIME_ID or unix.CLOCK_PROCESS_CPUTIME_ID
	at, cpu      int64 // ns
	used         int64 // ns from begin to end
}

func (m *cpuMark) begin(clock int32, now int64) {
	*m = cpuMark{begun: true, clock: clock, at: now, cpu: cpuTime(clock)}
}

// end returns CPU time per wall time since begin.
func (m *cpuMark) end(now int64) float64 {
	m.ended = true
	m.used = cpuTime(m.clock) - m.cpu
	return float64(m.used) / float64(max(now-m.at, 1))
}

// cpuTime is what a CPU-time clock shows, in ns; 0 where there is none.
func cpuTime(clock int32) int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(clock, &ts); err != nil {
		return 0
	}
	return ts.Nano()
}
