package workers

import (
	"math/rand/v2"
	"os"
	"time"
)

// slot is the place of a worker, which one process has after the other. All is changed by Run alone, under Supervisor.mu.
type slot struct {
	index   int      // immutable
	socket  *os.File // that all of its processes listen on; nil: none, since they fail
	current *process // serves, or is starting; nil: it has ended, and another is to come
	fresh   *process // is starting, to replace current
	old     *process // retires

	due      bool // a rolling restart has not come to it yet; owned by Run
	failures int  // ends in a row, each soon after the start
}

const (
	// settled is how long a process must have served for its end not to count as one of several in a row.
	settled = 10 * time.Second
	// tooMany failures in a row are not by chance: from then on a slot is tried again every slowRetry, and its socket gets no connections.
	tooMany   = 5
	firstWait = 100 * time.Millisecond
	slowRetry = 30 * time.Second
)

// failed tells whether the slot is tried slowly.
func (sl *slot) failed() bool { return sl.failures >= tooMany }

// wait is how long to wait for the next process after so many failures in a row, give or take half of it: 0.1, 0.2, 0.4 and 0.8 s, then 30 s.
func wait(failures int) time.Duration {
	d := slowRetry
	if failures < tooMany {
		d = firstWait << max(failures-1, 0)
	}
	return d/2 + rand.N(d)
}

// processes are all that run in the slot.
func (sl *slot) processes() (all []*process) {
	for _, p := range []*process{sl.current, sl.fresh, sl.old} {
		if p != nil {
			all = append(all, p)
		}
	}
	return all
}
