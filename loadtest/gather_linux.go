package loadtest

import (
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// gatherer spares the CPU in the midst of a fan-out. Connections become readable one by one, some microseconds apart: a loop
// that slept and woke for each would spend more on that than on reading, and would make the server pay for each wake-up as
// well. So after a turn that brought only a few, soon after another one, the loop sleeps for a moment away from epoll. The
// first arrivals of a burst are read at once; what follows may be seen later by up to the pause.
type gatherer struct {
	pause time.Duration // 0: never
	last  int64         // when the last turn that read something began
}

const (
	// gatherFew is how many events are worth a turn without a pause.
	gatherFew = 64
	// gatherWithin is how soon one turn has to follow another to be the same burst, beside the pause.
	gatherWithin = 200 * time.Microsecond
)

// turned pauses if it pays. events is what the turn that began at now brought.
func (g *gatherer) turned(events int, now int64) {
	if g.pause == 0 || events == 0 {
		return
	}
	burst := now-g.last < int64(gatherWithin+g.pause)
	g.last = now
	if !burst || events >= gatherFew {
		return
	}
	// Raw: the runtime need not know of so short a sleep.
	ts := unix.NsecToTimespec(int64(g.pause))
	_, _, _ = syscall.RawSyscall(unix.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&ts)), 0, 0)
}

// fineTimers lets this thread's sleeps end within a microsecond or so of their time, instead of 50.
func fineTimers() {
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
}
