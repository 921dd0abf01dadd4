package reactor

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/wsedge/wsedge/frame"
)

// blockingFuncs is a BlockingHandler of functions; those that are nil do nothing.
type blockingFuncs struct {
	open    func(*BlockingConn)
	message func(*BlockingConn, string)
	close   func(*BlockingConn, End)
}

func (f blockingFuncs) OnOpen(c *BlockingConn) {
	if f.open != nil {
		f.open(c)
	}
}

func (f blockingFuncs) OnMessage(c *BlockingConn, _ Opcode, payload []byte) {
	if f.message != nil {
		f.message(c, string(payload))
	}
}

func (f blockingFuncs) OnClose(c *BlockingConn, end End) {
	if f.close != nil {
		f.close(c, end)
	}
}

func TestABlockedHandlerHoldsUpNobodyElse(t *testing.T) {
	release := make(chan struct{})
	s := serve(t, Config{Loops: 1, Blocking: blockingFuncs{message: func(c *BlockingConn, text string) {
		if text == "wait" {
			<-release
		}
		_ = c.Send(Text, []byte("done: "+text))
	}}})
	slow, quick := dial(t, s, "/"), dial(t, s, "/")
	slow.text("wait")
	slow.text("behind it")
	quick.text("hi")
	quick.wantText("done: hi")
	close(release)
	slow.wantText("done: wait")
	slow.wantText("done: behind it")
}

func TestBlockingConnCarriesItsContext(t *testing.T) {
	s := serve(t, Config{
		Upgrade: func(*Conn, *Request) (Accept, error) { return Accept{Context: 1}, nil },
		Blocking: blockingFuncs{message: func(c *BlockingConn, _ string) {
			c.Context = c.Context.(int) + 1 // the race detector would see two calls at a time
			_ = c.Send(Text, fmt.Appendf(nil, "%d %s", c.Context, c.RemoteAddr.Network()))
		}},
	})
	c := dial(t, s, "/")
	for i := range 20 {
		c.text("")
		c.wantText(fmt.Sprintf("%d tcp", i+2))
	}
}

func TestBlockingHandlerSubscribesAndPublishes(t *testing.T) {
	var s *Server
	s = prepare(t, Config{Blocking: blockingFuncs{
		open: func(c *BlockingConn) {
			_ = c.Subscribe(s.Topic("all"))
			_ = c.Send(Text, []byte("in"))
		},
		message: func(c *BlockingConn, text string) {
			if text == "leave" {
				_ = c.Unsubscribe(s.Topic("all"))
				_ = c.Ping([]byte("left"))
				return
			}
			_, _ = s.Topic("all").BroadcastExcept(c.Conn(), Text, []byte(text))
		},
	}})
	start(t, s)
	a, b := dial(t, s, "/"), dial(t, s, "/")
	a.wantText("in")
	b.wantText("in")
	a.text("from a")
	b.wantText("from a")
	b.text("leave")
	b.want(frame.OpPing, "left")
	b.text("from b")
	a.wantText("from b") // and not its own
}

func TestOnCloseComesBehindTheLastMessage(t *testing.T) {
	release, log := make(chan struct{}), newBox[string]()
	s := serve(t, Config{Blocking: blockingFuncs{
		message: func(_ *BlockingConn, text string) {
			<-release
			log <- text
		},
		close: func(_ *BlockingConn, end End) { log <- fmt.Sprint(end.Code) },
	}})
	c := dial(t, s, "/")
	for i := range 10 {
		c.text(strconv.Itoa(i))
	}
	eventually(t, "all queued", func() bool { return s.Stats().Workers.Messages == 10 })
	_ = c.Close()
	eventually(t, "closed on its loop", func() bool { return s.Stats().Open == 0 })
	close(release)
	for i := range 10 {
		if got := log.take(t); got != strconv.Itoa(i) {
			t.Fatalf("got %q, want %d", got, i)
		}
	}
	if got := log.take(t); got != "1006" {
		t.Errorf("got %q, want the end", got)
	}
}

func TestAPanicOfABlockingHandlerClosesItsConnAlone(t *testing.T) {
	log := newBox[string]()
	s := serve(t, Config{Blocking: blockingFuncs{
		message: func(c *BlockingConn, text string) {
			if text == "panic" {
				panic(text)
			}
			log <- text
		},
		close: func(_ *BlockingConn, end End) { log <- fmt.Sprint(end.Code) },
	}})
	bad, good := dial(t, s, "/"), dial(t, s, "/")
	bad.text("panic")
	bad.text("thrown away")
	bad.wantClose(CloseInternalError, "internal")
	if got := log.take(t); got != "1011" {
		t.Errorf("got %q, want the end alone", got)
	}
	good.text("alive")
	if got := log.take(t); got != "alive" {
		t.Errorf("got %q", got)
	}
	if n := s.Stats().Panics; n != 1 {
		t.Errorf("%d panics counted", n)
	}
}

func TestWhatABlockingHandlerDoesNotKeepUpWithIsBounded(t *testing.T) {
	for name, test := range map[string]struct {
		options WorkerOptions
		fits    int // messages of 1,000 bytes beside the one that is being handled
	}{
		"messages of a conn": {WorkerOptions{ConnMaxMessages: 4}, 3},
		"bytes of a conn":    {WorkerOptions{ConnMaxBytes: 5000}, 4},
		"bytes of all":       {WorkerOptions{MaxBytes: 3 * (1000 + messageCost)}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			release, handled := make(chan struct{}), newBox[string]()
			s := serve(t, Config{Workers: test.options, Blocking: blockingFuncs{
				message: func(*BlockingConn, string) { <-release; handled <- "message" },
				close:   func(*BlockingConn, End) { handled <- "close" },
			}})
			c := dial(t, s, "/")
			eventually(t, "opened", func() bool { return s.Stats().Workers == WorkerStats{} && s.Stats().Open == 1 })
			for range test.fits + 1 {
				c.text(strings.Repeat("x", 1000))
			}
			eventually(t, "all queued", func() bool { return s.Stats().Workers.Messages == int64(test.fits+1) })
			c.text(strings.Repeat("x", 1000))
			c.wantClose(ClosePolicyViolation, "input_backlog")
			if n := s.Stats().Ended[CauseInput.String()]; n != 1 {
				t.Errorf("%d ended for it", n)
			}
			close(release)
			for range test.fits + 1 {
				if got := handled.take(t); got != "message" {
					t.Fatalf("got %s before the last message", got)
				}
			}
			if got := handled.take(t); got != "close" {
				t.Errorf("got %s", got)
			}
			eventually(t, "nothing waits", func() bool { return s.Stats().Workers == WorkerStats{} })
		})
	}
}

// Of two conns that have much to say each has its turn, with one goroutine for both.
func TestConnsTakeTurns(t *testing.T) {
	release, order := make(chan struct{}), newBox[string]()
	s := serve(t, Config{Workers: WorkerOptions{Goroutines: 1}, Blocking: blockingFuncs{message: func(_ *BlockingConn, text string) {
		<-release
		order <- text
	}}})
	a, b := dial(t, s, "/"), dial(t, s, "/")
	for range 5 {
		a.text("a")
	}
	eventually(t, "a's are queued", func() bool { return s.Stats().Workers.Messages == 5 })
	for range 3 {
		b.text("b")
	}
	eventually(t, "b's are queued", func() bool { return s.Stats().Workers.Messages == 8 })
	close(release)
	got := ""
	for range 8 {
		got += order.take(t)
	}
	if got != "abababaa" {
		t.Errorf("got %s", got)
	}
}

// Conns that come and go while the handler is stuck are bounded, too.
func TestConnsAreRefusedWhileNoCallEnds(t *testing.T) {
	release, told := make(chan struct{}), newBox[string]()
	s := serve(t, Config{Workers: WorkerOptions{Goroutines: 1, MaxBytes: 4 * connCost}, Blocking: blockingFuncs{
		open:  func(*BlockingConn) { <-release; told <- "open" },
		close: func(*BlockingConn, End) { told <- "close" },
	}})
	for i := range 2 { // each leaves two calls behind
		c := dial(t, s, "/")
		_ = c.Close()
		eventually(t, "both calls are queued", func() bool { return s.Stats().Workers.Bytes == int64(2*(i+1)*connCost) })
	}
	for range 3 {
		dial(t, s, "/").wantClose(ClosePolicyViolation, "input_backlog")
	}
	close(release)
	if err := s.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	close(told)
	n := map[string]int{}
	for what := range told {
		n[what]++
	}
	if n["open"] != 2 || n["close"] != 2 {
		t.Errorf("told of %v", n)
	}
}

func TestOneLargeMessageMayExceedTheBound(t *testing.T) {
	s := serve(t, Config{Workers: WorkerOptions{ConnMaxBytes: 10}, Blocking: blockingFuncs{
		message: func(c *BlockingConn, text string) { _ = c.Send(Text, []byte(strconv.Itoa(len(text)))) },
	}})
	c := dial(t, s, "/")
	c.text(strings.Repeat("x", 1000))
	c.wantText("1000")
}

func TestShutdownWaitsForBlockedHandlers(t *testing.T) {
	release, entered := make(chan struct{}), newBox[bool]()
	closed := newBox[bool]()
	s := serve(t, Config{Blocking: blockingFuncs{
		message: func(*BlockingConn, string) { entered <- true; <-release },
		close:   func(*BlockingConn, End) { closed <- true },
	}})
	c := dial(t, s, "/")
	c.text("wait")
	entered.take(t)
	expired, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Shutdown(expired); !errors.Is(err, context.Canceled) {
		t.Errorf("Shutdown returned %v while a call was blocked", err)
	}
	close(release)
	if err := s.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	if len(closed) != 1 {
		t.Error("Shutdown returned before OnClose")
	}
}

func TestWorkersEndWhenNothingIsLeftToDo(t *testing.T) {
	s := serve(t, Config{Workers: WorkerOptions{Goroutines: 3}, Blocking: blockingFuncs{
		message: func(c *BlockingConn, text string) { _ = c.Send(Text, []byte(text)) },
	}})
	for range 8 {
		c := dial(t, s, "/")
		c.text("hi")
		c.wantText("hi")
	}
	eventually(t, "no goroutine", func() bool { return s.Stats().Workers.Running == 0 })
}

// A call that ends its goroutine, as a test's FailNow does, is like one that panics: its conn ends, the others and Shutdown go on.
func TestBlockingHandlerEndsItsGoroutine(t *testing.T) {
	closed := newBox[End]()
	s := serve(t, Config{Workers: WorkerOptions{Goroutines: 1}, Blocking: blockingFuncs{
		message: func(c *BlockingConn, text string) {
			if text == "exit" {
				runtime.Goexit()
			}
			_ = c.Send(Text, []byte("done: "+text))
		},
		close: func(_ *BlockingConn, e End) { closed <- e },
	}})
	c, other := dial(t, s, "/"), dial(t, s, "/")
	c.text("exit")
	c.wantClose(CloseInternalError, "internal")
	closed.take(t)
	other.text("hi")
	other.wantText("done: hi")
	if w := s.Stats().Panics; w != 1 {
		t.Errorf("%d panics", w)
	}
}

// A dialed conn that the handler cannot be told of is none.
func TestDialWithoutRoomToTell(t *testing.T) {
	there := serve(t, Config{Handler: echo})
	s := serve(t, Config{Workers: WorkerOptions{MaxBytes: connCost - 1}, Blocking: blockingFuncs{
		open: func(*BlockingConn) { t.Error("opened") }, close: func(*BlockingConn, End) { t.Error("closed") },
	}})
	if c, _, err := s.Dial(t.Context(), there.address("/"), dialing(DialOptions{})); c != nil || err != ErrFull {
		t.Errorf("%v, %v", c, err)
	}
}
