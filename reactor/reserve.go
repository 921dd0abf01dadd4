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

// maxGrownTable bounds what is grown in advance: 131,072 descriptors take 1 MiB of the kernel.
const maxGrownTable = 1 << 17

// growDescriptorTable makes the process's table of descriptors as large as n of them need it. Left to itself it doubles whenever
// it is full, and in a process with threads each doubling holds up the loop that happens to accept for a grace period of the
// kernel's: 8 to 20 ms, seven times on the way to 20,000 connections. It helps where it can.
func growDescriptorTable(n int) {
	n = min(n, openFileLimit(), maxGrownTable)
	lent, err := unix.Open("/", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	defer unix.Close(lent)
	// A duplicate with the highest number, closed at once; the table stays.
	if highest, err := unix.FcntlInt(uintptr(lent), unix.F_DUPFD_CLOEXEC, n-1); err == nil {
		_ = unix.Close(highest)
	}
}
