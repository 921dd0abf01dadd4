package reactor

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sendNow hands b to the socket without waiting and returns how much it took: an errno of EAGAIN where it took nothing.
//
// It is a raw system call: the scheduler is not told, because MSG_DONTWAIT never blocks and telling it costs a fifth of
// a delivery. What it holds up is one P for the 3 to 9 µs that the kernel's TCP takes. Only for a descriptor whose conn
// the loop has just seen open.
func sendNow(fd int32, b []byte) (int, syscall.Errno) {
	if len(b) == 0 {
		return 0, 0
	}
	for {
		n, _, errno := syscall.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))),
			uintptr(len(b)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
		switch errno {
		case 0:
			return int(n), 0
		case syscall.EINTR:
		default:
			return 0, errno
		}
	}
}

// limitUnsent keeps the kernel from taking more than notsentLowat bytes that it cannot send yet. Best effort.
func limitUnsent(fd int) {
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, notsentLowat)
}
