//go:build !linux

package reactor

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// sendNow hands b to the socket without waiting and returns how much it took: an errno of EAGAIN where it took nothing.
// The engine has made the socket non-blocking.
func sendNow(fd int32, b []byte) (int, syscall.Errno) {
	if len(b) == 0 {
		return 0, 0
	}
	for {
		n, err := unix.Write(int(fd), b)
		if err == nil {
			return n, 0
		}
		var errno syscall.Errno
		if !errors.As(err, &errno) {
			return 0, syscall.EIO
		}
		if errno != syscall.EINTR {
			return 0, errno
		}
	}
}

// limitUnsent does nothing: TCP_NOTSENT_LOWAT is set on Linux only.
func limitUnsent(int) {}
