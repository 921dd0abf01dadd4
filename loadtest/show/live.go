package show

import (
	"io"
	"sync"
	"time"

	"github.com/wsedge/wsedge/loadtest"
)

// The terminal's own language (ECMA-48, and xterm's alternate screen). The alternate screen leaves what was on the terminal
// before as it was, also when its size changes meanwhile.
const (
	enterScreen = "\x1b[?1049h\x1b[?25l" // alternate screen, no cursor
	toTop       = "\x1b[H"
	clearLine   = "\x1b[K"
	clearBelow  = "\x1b[J"
)

// LeaveScreen gives a terminal back as it was; for a process that ends without Live.Stop.
const LeaveScreen = "\x1b[?25h\x1b[?1049l"

// redrawInterval is four times a second, as often as a run tells how it stands.
const redrawInterval = 250 * time.Millisecond

// Live shows a run on a terminal. A terminal that takes nothing holds up the view, not the run.
type Live struct {
	// Immutable after StartLive.
	out  io.Writer
	size func() (columns, rows int)
	quit chan struct{}
	done chan struct{}

	mu     sync.Mutex
	status *loadtest.Status // guarded by mu; nil once it is drawn
}

// StartLive takes the terminal over. size is asked before each drawing, so that a change of it is followed. Stop has to be
// called, whatever happens.
func StartLive(out io.Writer, size func() (columns, rows int)) *Live {
	l := &Live{out: out, size: size, quit: make(chan struct{}), done: make(chan struct{})}
	go l.run()
	return l
}

// Update gives the view what to draw next. Safe from any goroutine.
func (l *Live) Update(s loadtest.Status) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.status = &s
}

// Stop gives the terminal back as it was.
func (l *Live) Stop() {
	close(l.quit)
	<-l.done
}

func (l *Live) run() {
	defer close(l.done)
	// A terminal that is gone is noticed by whoever prints the report on it.
	_, _ = io.WriteString(l.out, enterScreen)
	defer func() { _, _ = io.WriteString(l.out, LeaveScreen) }()
	ticker := time.NewTicker(redrawInterval)
	defer ticker.Stop()
	for {
		select {
		case <-l.quit:
			return
		case <-ticker.C:
			l.draw()
		}
	}
}

// draw writes what is new, in one piece so that nothing flickers.
func (l *Live) draw() {
	l.mu.Lock()
	status := l.status
	l.status = nil
	l.mu.Unlock()
	if status == nil {
		return
	}
	columns, rows := l.size()
	lines := screen(status, columns)
	if rows > 0 && len(lines) > rows {
		lines = lines[:rows]
	}
	text := []byte(toTop)
	for i, line := range lines {
		if i > 0 {
			text = append(text, "\r\n"...)
		}
		text = append(append(text, line...), clearLine...)
	}
	_, _ = l.out.Write(append(text, clearBelow...))
}
