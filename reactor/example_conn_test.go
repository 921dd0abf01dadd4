package reactor_test

import (
	"context"
	"fmt"
	"log"
	"strings"
	"time"

	"github.com/wsedge/wsedge/reactor"
)

// listen starts a server on a free port. Shutdown does not wait for the clients of the examples, who do not answer its close frames.
func listen(cfg reactor.Config) *reactor.Server {
	cfg.Addr, cfg.CloseTimeout = "127.0.0.1:0", 100*time.Millisecond
	s, err := reactor.Listen(cfg)
	if err != nil {
		log.Fatal(err)
	}
	return s
}

// shout is a handler with all three methods.
type shout struct{}

func (shout) OnOpen(c *reactor.Conn) { _ = c.Send(reactor.Text, []byte("welcome")) } // leaves in one write with the 101

func (shout) OnMessage(c *reactor.Conn, op reactor.Opcode, payload []byte) {
	_ = c.Send(op, []byte(strings.ToUpper(string(payload)))) // payload is the loop's: convert or copy what you keep
}

func (shout) OnClose(_ *reactor.Conn, end reactor.End) {
	fmt.Println("closed with", end.Code, end.Reason, "by the client:", end.Remote)
}

func ExampleHandler() {
	s := listen(reactor.Config{Handler: shout{}})
	b := connect(s.Addr(), "/")
	fmt.Println(b.hears())
	b.say("hello")
	fmt.Println(b.hears())
	b.Close()
	eventually(func() bool { return s.Stats().Open == 0 })
	_ = s.Shutdown(context.Background())
	// Output:
	// welcome
	// HELLO
	// closed with 1006  by the client: false
}

func ExampleFuncs() {
	s := listen(reactor.Config{Handler: reactor.Funcs{
		Open: func(c *reactor.Conn) { _ = c.Send(reactor.Text, []byte("the news")) },
	}})
	defer s.Shutdown(context.Background())
	fmt.Println(connect(s.Addr(), "/").hears())
	// Output: the news
}

func ExampleConn_Send() {
	s := listen(reactor.Config{Handler: reactor.Funcs{
		Message: func(c *reactor.Conn, _ reactor.Opcode, payload []byte) {
			_ = c.Send(reactor.Text, append([]byte("got "), payload...))
			_ = c.Send(reactor.Binary, []byte{'o', 'k'}) // both leave in one write
		},
	}})
	defer s.Shutdown(context.Background())
	b := connect(s.Addr(), "/")
	b.say("it")
	fmt.Println(b.hears(), b.hears())
	// Output: got it ok
}

func ExampleConn_Close() {
	s := listen(reactor.Config{Handler: reactor.Funcs{
		Message: func(c *reactor.Conn, _ reactor.Opcode, _ []byte) {
			_ = c.Send(reactor.Text, []byte("one last word"))
			c.Close(4001, "see you")
		},
	}})
	defer s.Shutdown(context.Background())
	b := connect(s.Addr(), "/")
	b.say("bye")
	fmt.Println(b.hears(), b.hears())
	// Output: one last word [4001 see you]
}

// The server pings by itself, after Config.PingInterval of silence. This is one more, whose pong counts as a sign of life.
func ExampleConn_Ping() {
	s := listen(reactor.Config{Handler: reactor.Funcs{
		Open: func(c *reactor.Conn) { _ = c.Ping([]byte("are you there?")) },
	}})
	defer s.Shutdown(context.Background())
	fmt.Println(connect(s.Addr(), "/").hears())
	// Output: ping are you there?
}

// player is the state of a conn. It belongs to the conn's loop: no lock.
type player struct {
	name  string
	score int
}

// The state of a conn, made from its request.
func ExampleContext() {
	s := listen(reactor.Config{
		Upgrade: func(_ *reactor.Conn, r *reactor.Request) (reactor.Accept, error) {
			name, found := strings.CutPrefix(string(r.Path), "/play/")
			if !found {
				return reactor.Accept{}, &reactor.HandshakeError{Status: 404, Reason: "no_such_game"}
			}
			return reactor.Accept{Context: &player{name: name}}, nil
		},
		Handler: reactor.Funcs{Message: func(c *reactor.Conn, _ reactor.Opcode, _ []byte) {
			p := reactor.Context[*player](c)
			p.score++
			_ = c.Send(reactor.Text, fmt.Append(nil, p.name, " has ", p.score))
		}},
	})
	defer s.Shutdown(context.Background())
	b := connect(s.Addr(), "/play/ann")
	b.say("hit")
	b.hears()
	b.say("hit")
	fmt.Println(b.hears())
	// Output: ann has 2
}

// A goroutine that has something for a conn hands it over.
func ExampleConn_Remote() {
	s := listen(reactor.Config{Handler: reactor.Funcs{
		Message: func(c *reactor.Conn, _ reactor.Opcode, payload []byte) {
			question, r := string(payload), c.Remote()
			go func() {
				_ = r.Send(reactor.Text, []byte("the answer to "+question)) // after a look into a database, say
			}()
		},
	}})
	defer s.Shutdown(context.Background())
	b := connect(s.Addr(), "/")
	b.say("why?")
	fmt.Println(b.hears())
	// Output: the answer to why?
}

// Code of the embedder's own on a conn's loop, where its state is.
func ExampleConn_Post() {
	opened := make(chan *reactor.Conn, 1)
	s := listen(reactor.Config{Handler: reactor.Funcs{Open: func(c *reactor.Conn) {
		c.SetContext(&player{name: "ann"})
		opened <- c
	}}})
	defer s.Shutdown(context.Background())
	b := connect(s.Addr(), "/")
	(<-opened).Post(func(c *reactor.Conn) {
		reactor.Context[*player](c).score = 100
		_ = c.Send(reactor.Text, []byte("you have won"))
	})
	fmt.Println(b.hears())
	// Output: you have won
}

// To some conns: one batch, framed and held once.
func ExampleBatch() {
	opened := make(chan *reactor.Conn, 3)
	s := listen(reactor.Config{Handler: reactor.Funcs{Open: func(c *reactor.Conn) { opened <- c }}})
	defer s.Shutdown(context.Background())
	ann, bob := connect(s.Addr(), "/"), connect(s.Addr(), "/")
	team := []*reactor.Conn{<-opened, <-opened}

	batch := s.NewBatch(64, 1)
	_ = batch.Add(reactor.Text, []byte("for the two of you"))
	for _, c := range team {
		_ = c.Remote().SendBatch(batch)
	}
	batch.Release()

	fmt.Println(ann.hears(), bob.hears())
	// Output: for the two of you for the two of you
}

// lookup answers from something that takes its time.
type lookup struct{}

func (lookup) OnOpen(c *reactor.BlockingConn) { c.Context = 0 }

func (lookup) OnMessage(c *reactor.BlockingConn, op reactor.Opcode, payload []byte) {
	// Here the handler may wait, while the loops go on. Calls of one conn come one after the other.
	n := c.Context.(int) + 1
	c.Context = n
	_ = c.Send(op, fmt.Append(nil, n, ": ", string(payload)))
}

func (lookup) OnClose(*reactor.BlockingConn, reactor.End) {}

func ExampleBlockingHandler() {
	s := listen(reactor.Config{Blocking: lookup{}, Workers: reactor.WorkerOptions{Goroutines: 8, ConnMaxMessages: 16}})
	defer s.Shutdown(context.Background())
	b := connect(s.Addr(), "/")
	b.say("a")
	b.say("b")
	fmt.Println(b.hears(), b.hears())
	// Output: 1: a 2: b
}

// The other end: a server without Addr is nothing but a client, of any number of servers.
func ExampleServer_Dial() {
	there := listen(reactor.Config{Handler: shout{}})
	heard := make(chan string, 3) // a handler must not wait, and messages may come before Dial has returned
	here, err := reactor.Listen(reactor.Config{Handler: reactor.Funcs{
		Open:    func(c *reactor.Conn) { _ = c.Send(reactor.Text, []byte("is anybody there?")) },
		Message: func(_ *reactor.Conn, _ reactor.Opcode, payload []byte) { heard <- string(payload) },
	}})
	if err != nil {
		log.Fatal(err)
	}
	c, _, err := here.Dial(context.Background(), "ws://"+there.Addr().String()+"/", reactor.DialOptions{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(<-heard)
	fmt.Println(<-heard)
	_ = c.Remote().Send(reactor.Text, []byte("thanks"))
	fmt.Println(<-heard)
	_ = here.Shutdown(context.Background()) // says 1001 to the other side
	_ = there.Shutdown(context.Background())
	// Output:
	// welcome
	// IS ANYBODY THERE?
	// THANKS
	// closed with 1001 shutdown by the client: true
}
