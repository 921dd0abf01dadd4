package reactor

import (
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// notsentLowat is how many bytes the kernel may hold that it has not been able to send: enough to keep a fast peer busy
// until the loop comes by again, and little enough that a slow one is seen to be slow.
const notsentLowat = 128 << 10

// writablePoller tells loops when a congested conn takes bytes again: an epoll instance beside the engine's, because the
// engine has no word for it. An event carries the conn's token, never a descriptor or a pointer: one that comes late, for
// a conn that has gone, finds nobody.
type writablePoller struct {
	srv   *Server
	epoll int
	file  *os.File // epoll's, in the runtime's own poller: waiting takes no thread
	ended sync.WaitGroup
}

func newWritablePoller(s *Server) (*writablePoller, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	if err := unix.SetNonblock(epoll, true); err != nil { // this is what tells os.NewFile to have it polled
		_ = unix.Close(epoll)
		return nil, os.NewSyscallError("fcntl", err)
	}
	w := &writablePoller{srv: s, epoll: epoll, file: os.NewFile(uintptr(epoll), "writable poller")}
	ready, err := w.file.SyscallConn()
	if err == nil {
		err = w.file.SetReadDeadline(time.Time{}) // fails where the runtime does not poll it
	}
	if err != nil {
		_ = w.file.Close()
		return nil, err
	}
	w.ended.Go(func() { w.run(ready) })
	return w, nil
}

// eventFor packs loop index and token into the 64 bits that epoll gives back.
func eventFor(events uint32, loop int, token uint64) *unix.EpollEvent {
	key := token*maxLoops + uint64(loop)
	return &unix.EpollEvent{Events: events, Fd: int32(uint32(key)), Pad: int32(uint32(key >> 32))}
}

func keyOf(e *unix.EpollEvent) (loop int, token uint64) {
	key := uint64(uint32(e.Fd)) | uint64(uint32(e.Pad))<<32
	return int(key % maxLoops), key / maxLoops
}

// run posts what has become writable, until close.
func (w *writablePoller) run(ready syscall.RawConn) {
	events := make([]unix.EpollEvent, 256)
	for {
		var n int
		var failed error
		ended := ready.Read(func(uintptr) bool {
			n, failed = unix.EpollWait(w.epoll, events, 0)
			return n != 0 // or failed
		})
		switch {
		case ended != nil:
			return
		case failed != nil && failed != unix.EINTR:
			w.srv.cfg.Logger.Error("writable poller ended", "error", failed)
			return
		}
		for i := range max(n, 0) {
			loop, token := keyOf(&events[i])
			w.srv.knownLoops()[loop].inbox.put(post{kind: postWritable, seq: token})
		}
	}
}

// watch waits, once, for the conn to become writable. If the kernel refuses, the conn's outbound age ends it.
func (w *writablePoller) watch(c *Conn) { w.control(unix.EPOLL_CTL_ADD, c) }

// rewatch does so again.
func (w *writablePoller) rewatch(c *Conn) { w.control(unix.EPOLL_CTL_MOD, c) }

// unwatch ends it. It comes before the descriptor is closed.
func (w *writablePoller) unwatch(c *Conn) { w.control(unix.EPOLL_CTL_DEL, c) }

func (w *writablePoller) control(op int, c *Conn) {
	event := eventFor(unix.EPOLLOUT|unix.EPOLLONESHOT, c.loop.idx, c.out.token)
	if err := unix.EpollCtl(w.epoll, op, int(c.fd), event); err != nil {
		w.srv.cfg.Logger.Warn("writable poller", "error", os.NewSyscallError("epoll_ctl", err))
	}
}

// close ends the poller. All loops have ended.
func (w *writablePoller) close() {
	_ = w.file.Close()
	w.ended.Wait()
}
