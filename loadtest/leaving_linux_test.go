package loadtest

import (
	"testing"

	"golang.org/x/sys/unix"
)

// TestNothingComesOfClosedSockets has a copy of each socket live on, as in a process that is just being started: events of what the loop
// has closed would be about another socket that has got its number.
func TestNothingComesOfClosedSockets(t *testing.T) {
	l := newBenchLoop(t, 2, 1)
	leaving, kept := watched(t, l), watched(t, l)
	l.conns[0].fd, l.conns[1].fd = leaving.fd, kept.fd
	l.lives.leaving = map[int32]int64{}
	l.awaitClose(&l.conns[0])
	if _, ok := l.lives.leaving[leaving.fd]; !ok || l.conns[0].fd != noDescriptor {
		t.Fatal("it does not wait for the server's end")
	}
	l.release(&l.conns[0])
	l.release(&l.conns[1])
	for _, s := range []watchedSocket{leaving, kept} {
		_ = unix.Close(s.peer)
	}
	var events [4]unix.EpollEvent
	n, err := unix.EpollWait(l.epoll, events[:], 0)
	if err != nil || n != 1 || events[0].Fd != leavingSlot(leaving.fd) {
		t.Fatalf("%d events, %v, %+v; want that of the one that leaves", n, err, events[0])
	}
	l.handle(events[:n])
	if n, err := unix.EpollWait(l.epoll, events[:], 0); err != nil || n != 0 || len(l.lives.leaving) != 0 {
		t.Errorf("%d more events, %v, %+v", n, err, events[0])
	}
}

// watchedSocket is a socket that a loop watches, of which there is a copy.
type watchedSocket struct {
	fd   int32
	peer int
}

func watched(t *testing.T, l *loop) watchedSocket {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	duplicate, err := unix.FcntlInt(uintptr(pair[0]), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(duplicate) })
	if err := l.watch(unix.EPOLL_CTL_ADD, pair[0], 0, unix.EPOLLIN); err != nil {
		t.Fatal(err)
	}
	return watchedSocket{int32(pair[0]), pair[1]}
}
