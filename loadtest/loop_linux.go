package loadtest

import (
	"errors"
	"os"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/wsedge/wsedge/frame"
)

const (
	readBytes   = 64 << 10
	eventsATurn = 512
	// Slots of the descriptors that are not connections.
	wakeSlot  = -1
	timerSlot = -2
	// closeGrace is how long the server may take to answer the close frames at the end of a run.
	closeGrace = int64(2 * time.Second)
)

// loop runs a share of the connections on one epoll instance and one thread.
type loop struct {
	// Immutable after newLoop.
	spec    *workerSpec
	number  int // of the loop within the run
	first   int // number of the first connection within the run
	sources sourceRing
	share   float64 // of the worker's connections, for the rates
	talk    *dialogue
	path    template // request target
	topicOf []uint32 // by slot; nil for a single topic
	classOf []uint8  // by topic; nil for a single one
	runTag  []byte   // the part behind a stamp's prefix that is the same in all of a run: where only the prefix was harmed
	epoll   int
	wake    int // eventfd: there are commands
	timer   int // timerfd on CLOCK_MONOTONIC

	// Owned by the loop.
	clock     clock // replaced where it follows another machine's
	conns     []conn
	decoding  frame.DecoderConfig
	buf       []byte
	scratch   []byte // the frame that is being sent
	text      []byte // the stamp in it
	envelope  []byte // what is around that, in an echo
	incoming  incoming
	events    []unix.EpollEvent
	ledger    *ledger
	records   [][]publicationRecord // Fanout: by stream and sequence
	positions []position            // by slot; nil where connections do not recover
	tickets   []string              // by slot; nil where connections do not come back by tickets
	epochs    []string              // the newest, by topic
	chunks    chunkCache
	masks     uint64 // state of the masking keys' generator
	opened    int
	nodeTurn  int // whose turn it is to be connected to, of the nodes
	inFlight  int
	connectAt int64 // the connect schedule's zero
	scanAt    int64 // when to look for setups that take too long
	echo      echoSchedule
	lives     lives
	lag       lagProbe
	window    window
	unplaced  []booking // arrivals before the window was known
	windowCPU cpuMark   // of the thread
	armed     int64     // time the timer is set to
	closing   bool
	closeBy   int64

	// Owned by the loop, for connections of TLS or permessage-deflate.
	tls        *loopTLS     // nil: plain text
	deflate    *loopDeflate // nil until a server agrees to it
	extras     []extra      // entry 0 is none
	freeExtras []uint32

	// Shared.
	tally *tally
	mu    sync.Mutex
	inbox []workerCommand // guarded by mu
}

// newLoop takes over conns connections, of which the first has that number in the run, as the loop has its own.
func newLoop(spec *workerSpec, number, first, conns int) (*loop, error) {
	streams, columns := spec.Topics.streams(), spec.Topics.columns()
	if spec.Scenario != Fanout {
		streams, columns = 1, 1
	}
	l := &loop{
		spec:    spec,
		number:  number,
		first:   first,
		sources: newSourceRing(spec.Sources, spec.Addr.Addr(), spec.portsWanted()),
		share:   float64(conns) / float64(spec.Conns),
		clock:   newClock(spec.Epoch),
		conns:   make([]conn, conns),
		runTag:  append(appendHex8(nil, spec.Run), ':'),
		// Room for the largest message in an envelope.
		decoding: frame.DecoderConfig{Role: frame.Client, MaxMessageBytes: MaxPayload + 64<<10},
		buf:      make([]byte, readBytes),
		events:   make([]unix.EpollEvent, eventsATurn),
		ledger:   newLedger(conns, columns),
		records:  make([][]publicationRecord, streams),
		masks:    uint64(spec.Run)<<32 | uint64(first),
		scanAt:   never,
		echo:     echoSchedule{at: never},
		lag:      newLagProbe(uint64(number)),
		window:   window{Send: never, From: never, End: never},
		tally:    newTally(),
	}
	l.prepareLives()
	if err := l.prepareMessages(); err != nil {
		return nil, err
	}
	if err := l.openDescriptors(); err != nil {
		l.closeDescriptors()
		return nil, err
	}
	return l, nil
}

func (l *loop) openDescriptors() (err error) {
	l.epoll, l.wake, l.timer = -1, -1, -1
	if l.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return os.NewSyscallError("epoll_create1", err)
	}
	if l.wake, err = unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC); err != nil {
		return os.NewSyscallError("eventfd", err)
	}
	if l.timer, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC); err != nil {
		return os.NewSyscallError("timerfd_create", err)
	}
	return errors.Join(l.watch(unix.EPOLL_CTL_ADD, l.wake, wakeSlot, unix.EPOLLIN),
		l.watch(unix.EPOLL_CTL_ADD, l.timer, timerSlot, unix.EPOLLIN))
}

func (l *loop) closeDescriptors() {
	for _, fd := range []int{l.epoll, l.wake, l.timer} {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
}

// watch sets what a descriptor is watched for. The slot comes back in the event's Fd field.
func (l *loop) watch(op, fd int, slot int32, events uint32) error {
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(l.epoll, op, fd, &unix.EpollEvent{Events: events, Fd: slot}))
}

// post hands the loop a command. Safe from any goroutine.
func (l *loop) post(c workerCommand) {
	l.mu.Lock()
	l.inbox = append(l.inbox, c)
	l.mu.Unlock()
	// A full eventfd counter has woken the loop already.
	_, _ = unix.Write(l.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0})
}

// run opens the connections and serves them until it is told to stop. It closes all its descriptors.
func (l *loop) run() error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer l.closeDescriptors()
	if l.tls != nil {
		defer l.tls.handshakes.Wait() // they wake the loop
	}
	defer l.closeConns()
	l.connectAt = l.clock.now()
	for {
		done, err := l.turn()
		if done || err != nil {
			return err
		}
	}
}

// turn does what is due, waits, and handles what came.
func (l *loop) turn() (done bool, err error) {
	if done = l.doDue(); done {
		return true, nil
	}
	n, err := unix.EpollWait(l.epoll, l.events, -1)
	if err != nil && !errors.Is(err, unix.EINTR) {
		return false, os.NewSyscallError("epoll_wait", err)
	}
	l.handle(l.events[:max(n, 0)])
	return false, nil
}

// handle serves the events of a turn.
func (l *loop) handle(events []unix.EpollEvent) {
	l.tally.mu.Lock()
	defer l.tally.mu.Unlock()
	for i := range events {
		event := &events[i]
		switch event.Fd {
		case wakeSlot:
			l.takeCommands()
		case timerSlot:
			l.clear(l.timer)
			l.armed = never
		default:
			if event.Fd < timerSlot {
				l.leavingReady(leavingSlot(event.Fd))
				continue
			}
			l.ready(int(event.Fd), event.Events)
		}
	}
	c := &l.tally.counts
	c.Missing, c.Duplicated, c.Reordered = l.ledger.missing, l.ledger.counts.Duplicated, l.ledger.counts.Reordered
}

// clear empties an eventfd or timerfd, so that it is no longer readable.
func (l *loop) clear(fd int) {
	var count [8]byte
	_, _ = unix.Read(fd, count[:])
}

func (l *loop) takeCommands() {
	l.clear(l.wake)
	l.mu.Lock()
	commands := l.inbox
	l.inbox = nil
	l.mu.Unlock()
	l.serveHandshakes()
	for _, c := range commands {
		if c.Start != nil {
			l.window = *c.Start
			l.lag.start(l.window)
			l.startEcho()
			l.startLives()
			l.placeAll()
		}
		if c.Seal != nil {
			l.sealAt(c.Seal)
		}
		if c.Clock != nil {
			l.clock = newClockOn(*c.Clock)
			l.armed = never // by the old one
		}
		if c.Stop != nil {
			l.startClosing()
		}
	}
}

// doDue does what the clock asks for and sets the timer to what comes next.
func (l *loop) doDue() (done bool) {
	now := l.clock.now()
	next := l.lag.due(now, l.window.End)
	l.tally.mu.Lock()
	l.timeoutDue(now) // it comes first: it makes room for others, and returns of its own
	next = min(next, l.livesDue(now))
	next = min(next, l.connectDue(now), l.scanAt)
	next = min(next, l.echoDue(now))
	next = min(next, l.windowDue(now))
	l.tally.mu.Unlock()
	if l.closing {
		if now >= l.closeBy || l.closeBy == 0 {
			return true
		}
		next = min(next, l.closeBy)
	}
	l.arm(next)
	return false
}

// arm sets the timer, if it is not set to that time already.
func (l *loop) arm(at int64) {
	if at == l.armed {
		return
	}
	l.armed = at
	spec := unix.ItimerSpec{}
	if at != never {
		// A time in the past fires at once, but zero would switch the timer off.
		spec.Value = unix.NsecToTimespec(max(l.clock.monotonic(at), 1))
	}
	_ = unix.TimerfdSettime(l.timer, unix.TFD_TIMER_ABSTIME, &spec, nil)
}

// windowDue notes the thread's CPU time at both ends of the window.
func (l *loop) windowDue(now int64) int64 {
	if now >= l.window.From && !l.windowCPU.begun {
		l.windowCPU.begin(unix.CLOCK_THREAD_CPUTIME_ID, now)
	}
	if now >= l.window.End && !l.windowCPU.ended && now > l.windowCPU.at {
		l.tally.busy = l.windowCPU.end(now)
	}
	switch {
	case !l.windowCPU.begun:
		return l.window.From
	case !l.windowCPU.ended:
		return l.window.End
	default:
		return never
	}
}
