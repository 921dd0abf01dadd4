package floor

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/wsedge/wsedge/frame"
)

const (
	readBytes   = 64 << 10
	eventsATurn = 512
	backlog     = 4096
	// maxInput bounds a request or message.
	maxInput = 2 << 20
	// maxLinked bounds what waits for another process; more than that means that it hangs.
	maxLinked = 64 << 20
)

// process is what the threads of a process share.
type process struct {
	// Immutable once the threads run.
	threads []*thread
	raw     bool

	// Shared: atomic.
	offset atomic.Uint64
}

// thread runs a share of the connections.
type thread struct {
	// Immutable after newThread.
	process  *process
	epoll    int
	listener int
	wake     int // eventfd: there is mail

	// Owned by the thread.
	conns    []*conn // by descriptor; nil for those of others
	open     []subscriber
	links    []*conn
	buf      []byte
	scratch  []byte // what is being sent
	batch    []message
	joined   []byte
	events   []unix.EpollEvent
	request  frame.Request
	decoding frame.DecoderConfig
	err      error // it cannot go on

	// Guarded by mu.
	mu   sync.Mutex
	mail []message
	stop bool
}

// subscriber is an entry of the dense array that a publication walks.
type subscriber struct {
	fd      int32
	waiting bool // something is queued: nothing may be sent past it
}

func newThread(p *process, port int) (*thread, error) {
	t := &thread{
		process: p, epoll: -1, listener: -1, wake: -1,
		buf: make([]byte, readBytes), events: make([]unix.EpollEvent, eventsATurn),
		decoding: frame.DecoderConfig{Role: frame.Server, MaxMessageBytes: maxInput},
	}
	if err := t.openDescriptors(port); err != nil {
		t.close()
		return nil, err
	}
	return t, nil
}

func (t *thread) openDescriptors(port int) (err error) {
	if t.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return os.NewSyscallError("epoll_create1", err)
	}
	if t.wake, err = unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC); err != nil {
		return os.NewSyscallError("eventfd", err)
	}
	if t.listener, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0); err != nil {
		return os.NewSyscallError("socket", err)
	}
	address := &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}
	return errors.Join(
		os.NewSyscallError("setsockopt", unix.SetsockoptInt(t.listener, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)),
		os.NewSyscallError("bind", unix.Bind(t.listener, address)),
		os.NewSyscallError("listen", unix.Listen(t.listener, backlog)),
		t.watch(unix.EPOLL_CTL_ADD, t.listener, unix.EPOLLIN),
		t.watch(unix.EPOLL_CTL_ADD, t.wake, unix.EPOLLIN))
}

// port is what the listener listens on.
func (t *thread) port() (int, error) {
	address, err := unix.Getsockname(t.listener)
	if err != nil {
		return 0, os.NewSyscallError("getsockname", err)
	}
	v4, ok := address.(*unix.SockaddrInet4)
	if !ok {
		return 0, fmt.Errorf("listening on a %T", address)
	}
	return v4.Port, nil
}

func (t *thread) watch(op, fd int, events uint32) error {
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(t.epoll, op, fd, &unix.EpollEvent{Events: events, Fd: int32(fd)}))
}

func (t *thread) close() {
	for _, c := range t.conns {
		if c != nil {
			_ = unix.Close(int(c.fd))
		}
	}
	for _, fd := range []int{t.listener, t.wake, t.epoll} {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
}

// post puts a publication into the mailbox; nil stops the thread. Safe from any goroutine. awake says that it is the
// thread's own, which looks into its mailbox at the end of the turn.
func (t *thread) post(m *message, awake bool) {
	t.mu.Lock()
	first := len(t.mail) == 0
	if m == nil {
		t.stop, first = true, true
	} else {
		t.mail = append(t.mail, *m)
	}
	t.mu.Unlock()
	if first && !awake {
		// A full counter has woken the thread already.
		_, _ = unix.Write(t.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	}
}

// run serves until it is told to stop. It closes all its descriptors. It has no thread locked to it: that cost more, whenever
// the runtime let others in.
func (t *thread) run() error {
	defer t.close()
	for {
		n, err := t.wait()
		if err != nil {
			return err
		}
		for i := range n {
			t.handle(&t.events[i])
		}
		if t.deliver() || t.err != nil {
			return t.err
		}
	}
}

// wait does not tell the runtime that it blocks. If it did, the runtime's monitor would wake up with each publication, and look
// round every 20 µs until the sending is over: a fifth of the CPU time with 500 subscribers. As it is, the thread keeps its
// processor for as long as it runs; whenever the collector needs it, a signal ends the wait.
func (t *thread) wait() (int, error) {
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(t.epoll), uintptr(unsafe.Pointer(unsafe.SliceData(t.events))),
		uintptr(len(t.events)), ^uintptr(0), 0, 0) // a timeout of -1: none
	switch errno {
	case 0:
		return int(n), nil
	case unix.EINTR:
		return 0, nil
	default:
		return 0, os.NewSyscallError("epoll_pwait", errno)
	}
}

func (t *thread) handle(event *unix.EpollEvent) {
	fd := int(event.Fd)
	switch {
	case fd == t.listener:
		t.accept()
	case fd == t.wake:
		var count [8]byte
		_, _ = unix.Read(fd, count[:])
	case fd < len(t.conns) && t.conns[fd] != nil:
		c := t.conns[fd]
		if event.Events&unix.EPOLLOUT != 0 && !t.flush(c) {
			return
		}
		if event.Events&^unix.EPOLLOUT != 0 {
			t.readable(c)
		}
	}
}

// accept takes all that wait. Where descriptors have run out they go on waiting, and the client says so.
func (t *thread) accept() {
	for {
		fd, _, err := unix.Accept4(t.listener, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		if err != nil {
			return
		}
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
		t.adopt(fd, kindHTTP)
	}
}

// adopt takes a descriptor over.
func (t *thread) adopt(fd int, kind connKind) *conn {
	if err := t.watch(unix.EPOLL_CTL_ADD, fd, unix.EPOLLIN); err != nil {
		_ = unix.Close(fd)
		return nil
	}
	for len(t.conns) <= fd {
		t.conns = append(t.conns, nil)
	}
	t.conns[fd] = &conn{fd: int32(fd), kind: kind}
	return t.conns[fd]
}

// publish hands a publication to every thread of the process, this one included.
func (t *thread) publish(m message) {
	for _, other := range t.process.threads {
		other.post(&m, other == t)
	}
}

// deliver sends what is in the mailbox to all subscribers.
func (t *thread) deliver() (stop bool) {
	t.mu.Lock()
	t.batch, t.mail = t.mail, t.batch[:0]
	stop = t.stop
	t.mu.Unlock()
	t.passOn() // first, so that the others work meanwhile
	switch len(t.batch) {
	case 0:
		return stop
	case 1:
		t.sendToAll(t.batch[0].frame)
	default:
		t.joined = t.joined[:0]
		for _, m := range t.batch {
			t.joined = append(t.joined, m.frame...)
		}
		t.sendToAll(t.joined)
	}
	clear(t.batch)
	return stop
}

// sendToAll is what all of this is about.
func (t *thread) sendToAll(p []byte) {
	for i := 0; i < len(t.open); {
		o, taken := &t.open[i], 0
		if !o.waiting {
			if taken = send(int(o.fd), p); taken == len(p) {
				i++
				continue
			}
		}
		if t.queue(t.conns[o.fd], p[taken:]) { // one that is closed is replaced by the last
			i++
		}
	}
}

// passOn tells the other processes of what came to this one.
func (t *thread) passOn() {
	for _, l := range slices.Clone(t.links) { // one that is full is taken out
		t.scratch = t.scratch[:0]
		for _, m := range t.batch {
			if m.local {
				t.scratch = appendLinked(t.scratch, m.frame)
			}
		}
		if len(t.scratch) > 0 && !t.queue(l, t.scratch) {
			t.err = errors.New("another process of the floor does not read")
		}
	}
}
