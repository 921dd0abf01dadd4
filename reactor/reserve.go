package reactor

import "golang.org/x/sys/unix"

// maxReserveFiles descriptors are kept from connections: loops, wake-ups, the writable poller, log files, brokers, and
// refused connections that linger. The engine ends when accept runs out of descriptors, so the reserve is what keeps the
// server alive.
const maxReserveFiles = 512

// openFileLimit is the soft limit of open files, which the Go runtime has raised to the hard one at start.
func openFileLimit() int {
	var lim unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &lim); err != nil {
		return 1024 // POSIX systems start here; believing in less than there is does no harm
	}
	return int(min(lim.Cur, 1<<30))
}

func reserveFiles(limit int) int { return min(maxReserveFiles, limit/4) }

// maxConnsAllowed is how many connections the limit of open files leaves.
func maxConnsAllowed() int {
	limit := openFileLimit()
	return max(limit-reserveFiles(limit), 1)
}

// maxLingeringRefusals bounds the refused connections that are kept open for a moment so that their 503 arrives. They
// live on a quarter of the reserve.
func maxLingeringRefusals() int { return max(reserveFiles(openFileLimit())/4, 1) }
