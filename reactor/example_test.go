package reactor_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/wsedge/wsedge/reactor"
)

// room sends what anyone says to everyone else.
type room struct{ everyone *reactor.Topic }

func (r *room) OnOpen(c *reactor.Conn) { _ = c.Subscribe(r.everyone) }

func (r *room) OnMessage(c *reactor.Conn, op reactor.Opcode, payload []byte) {
	_, _ = r.everyone.BroadcastExcept(c, op, payload)
}

func (r *room) OnClose(*reactor.Conn, reactor.End) {}

// A chat room, with a web page on the same port.
func Example() {
	r := &room{}
	s, err := reactor.New(reactor.Config{
		Addr:    "127.0.0.1:0",
		Handler: r,
		HTTP: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, "connect with a WebSocket")
		}),
	})
	if err != nil {
		log.Fatal(err)
	}
	r.everyone = s.NewTopic(reactor.TopicOptions{Policy: reactor.DropOldest})
	if err := s.Start(); err != nil {
		log.Fatal(err)
	}

	ann, bob := connect(s.Addr(), "/"), connect(s.Addr(), "/")
	eventually(func() bool { return r.everyone.Subscribers() == 2 })
	ann.say("hello")
	fmt.Println(bob.hears())
	ann.Close()
	bob.Close()

	if err := s.Shutdown(context.Background()); err != nil {
		log.Fatal(err)
	}
	// Output:
	// hello
}

// All of a server that sends back what it gets, until an interrupt.
func ExampleRun() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := reactor.Run(ctx, reactor.Config{
		Addr: "127.0.0.1:8080",
		Handler: reactor.Funcs{Message: func(c *reactor.Conn, op reactor.Opcode, payload []byte) {
			_ = c.Send(op, payload) // fails only where the conn has closed, which OnClose tells
		}},
	})
	if err != nil {
		log.Fatal(err)
	}
}

// Where the address is to be told first, or topics are to be made: Listen, or New, and then Serve.
func ExampleServer_Serve() {
	s, err := reactor.Listen(reactor.Config{Addr: "127.0.0.1:0", Handler: reactor.Funcs{}})
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- s.Serve(ctx) }()

	b := connect(s.Addr(), "/")
	cancel() // by a signal, mostly
	fmt.Println(b.hears())
	b.Close()
	fmt.Println(<-ended)
	// Output:
	// [1001 shutdown]
	// <nil>
}

// Shutdown by hand: who does not take its close frame within ten seconds is cut off.
func ExampleServer_Shutdown() {
	s, err := reactor.Listen(reactor.Config{
		Addr: "127.0.0.1:0", Handler: reactor.Funcs{},
		OnDrain: func(c *reactor.Conn) { _ = c.Send(reactor.Text, []byte("back in a minute")) },
		CloseCode: func(_ *reactor.Conn, cause reactor.Cause) (reactor.CloseCode, string) {
			if cause == reactor.CauseShutdown {
				return reactor.CloseServiceRestart, "restart"
			}
			return cause.Default()
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	b := connect(s.Addr(), "/")
	patience, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	go func() { _ = s.Shutdown(patience) }()
	fmt.Println(b.hears())
	fmt.Println(b.hears())
	b.Close()
	fmt.Println(s.Wait())
	// Output:
	// back in a minute
	// [1012 restart]
	// <nil>
}

// The error names everything that is wrong at once.
func ExampleConfigError() {
	_, err := reactor.New(reactor.Config{Addr: "8080", Loops: -1})
	var wrong *reactor.ConfigError
	if errors.As(err, &wrong) {
		for _, f := range wrong.Fields {
			fmt.Println(f.Field, "is wrong")
		}
	}
	// Output:
	// Addr is wrong
	// Handler is wrong
	// Loops is wrong
}

// Figures for any system of metrics: take a snapshot when it asks.
func ExampleServer_Stats() {
	s, err := reactor.Listen(reactor.Config{Addr: "127.0.0.1:0", Handler: reactor.Funcs{
		Message: func(c *reactor.Conn, op reactor.Opcode, payload []byte) { _ = c.Send(op, payload) },
	}})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Shutdown(context.Background())
	b := connect(s.Addr(), "/")
	defer b.Close()
	b.say("hello")
	b.hears()
	st := s.Stats()
	fmt.Println(st.Open, "open,", st.MessagesIn, "in,", st.MessagesOut, "out,", st.Drops["slow"], "lost to slowness")
	// Output:
	// 1 open, 1 in, 1 out, 0 lost to slowness
}

// eventually waits for what another goroutine is about to do.
func eventually(ok func() bool) {
	for !ok() {
		time.Sleep(time.Millisecond)
	}
}
