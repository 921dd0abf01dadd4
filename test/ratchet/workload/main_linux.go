// Command workload does a given number of the things that a server does most, in one process, so that their instructions can
// be counted: the difference between two runs, divided by the difference of their numbers, is what one costs. Package ratchet
// runs it.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/reactor"
)

// conns is how many subscribers a publication has. What a publication costs by itself is shared by so many deliveries.
const conns = 200

// payloadBytes is the length of a message. What a conn is sent must fit into its socket's buffers, because nobody reads.
const payloadBytes = 128

func main() {
	workloads := map[string]func(*server, int){
		"deliver": func(s *server, n int) { s.deliver(n, 1) },
		"joined":  func(s *server, n int) { s.deliver(n, 8) },
		"echo":    (*server).echo,
		"open":    (*server).open,
	}
	if len(os.Args) != 3 || workloads[os.Args[1]] == nil {
		log.Fatal("usage: workload deliver|joined|echo|open NUMBER")
	}
	n, err := strconv.Atoi(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	debug.SetGCPercent(-1) // its share depends on the heap, not on what is measured; allocations have tests of their own
	s := start()
	workloads[os.Args[1]](s, n)
	s.stop()
}

type server struct {
	*reactor.Server
	topic *reactor.Topic
	conns []net.Conn
}

func start() *server {
	runtime.GOMAXPROCS(2)
	s := &server{}
	var err error
	s.Server, err = reactor.New(reactor.Config{Addr: "127.0.0.1:0", Handler: s, Loops: 1, PingInterval: -1, MaxFrameRate: -1, MaxControlRate: -1})
	check(err)
	s.topic = s.NewTopic(reactor.TopicOptions{})
	check(s.Start())
	return s
}

func (s *server) stop() {
	for _, c := range s.conns {
		_ = c.Close()
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	check(s.Shutdown(ctx))
}

// OnOpen implements reactor.Handler.
func (s *server) OnOpen(c *reactor.Conn) { check(c.Subscribe(s.topic)) }

// OnMessage implements reactor.Handler.
func (s *server) OnMessage(c *reactor.Conn, op frame.Opcode, payload []byte) { _ = c.Send(op, payload) }

// OnClose implements reactor.Handler.
func (s *server) OnClose(*reactor.Conn, reactor.End) {}

// open opens connections, one after the other.
func (s *server) open(n int) {
	key := frame.NewClientKey([16]byte{1})
	request := frame.AppendClientHandshake(nil, "example.org", "/", key, "")
	answer := make([]byte, 4096)
	for range n {
		c, err := net.Dial("tcp", s.Addr().String())
		check(err)
		_, err = c.Write(request)
		check(err)
		got, err := c.Read(answer)
		check(err)
		_, err = frame.CheckServerHandshake(answer[:got], key)
		check(err)
		s.conns = append(s.conns, c)
	}
}

// deliver makes n deliveries of publications, so many of which are posted at once.
func (s *server) deliver(n, atOnce int) {
	s.open(conns)
	payload := make([]byte, payloadBytes)
	for done := 0; done < n; {
		for range atOnce {
			matched, err := s.topic.Broadcast(frame.OpBinary, payload)
			check(err)
			done += matched
		}
		for waited := 0; s.arrived() < done/conns*(frame.HeaderBytes(payloadBytes)+payloadBytes); waited++ {
			if waited > 60_000 {
				log.Fatal("the deliveries do not arrive: is that more than the sockets hold?")
			}
			time.Sleep(time.Millisecond)
		}
	}
	if st := s.Stats(); st.Congested > 0 {
		log.Fatal("the sockets are full: these were no ordinary deliveries")
	}
}

// arrived is how many bytes wait at the conn that is served last. Asking the server would be counted with its work.
func (s *server) arrived() (bytes int) {
	raw, err := s.conns[conns-1].(*net.TCPConn).SyscallConn()
	check(err)
	check(raw.Control(func(fd uintptr) { bytes, err = unix.IoctlGetInt(int(fd), unix.TIOCINQ) }))
	check(err)
	return bytes
}

// echo sends n messages, one after the other, and reads their echoes.
func (s *server) echo(n int) {
	s.open(1)
	payload := make([]byte, payloadBytes)
	request := frame.AppendMaskedFrame(nil, frame.OpBinary, payload, [4]byte{1, 2, 3, 4})
	answer := make([]byte, frame.HeaderBytes(payloadBytes)+payloadBytes)
	for range n {
		_, err := s.conns[0].Write(request)
		check(err)
		_, err = io.ReadFull(s.conns[0], answer)
		check(err)
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(fmt.Errorf("workload: %w", err))
	}
}
