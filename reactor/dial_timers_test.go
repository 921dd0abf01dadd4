package reactor

import (
	"testing"
	"time"

	"github.com/wsedge/wsedge/frame"
)

// A dialed conn keeps time as others do: it pings, wants pongs, and messages that end; what it says of that is masked.
func TestDialedTimers(t *testing.T) {
	clock := newClock()
	s := serve(t, Config{Loops: 1, Handler: echo, now: clock.Now, PingInterval: 10 * time.Second, PongTimeout: 12 * time.Second, MessageTimeout: 25 * time.Second})
	answering, dead, slow := reached(t, s, DialOptions{}), reached(t, s, DialOptions{}), reached(t, s, DialOptions{})
	clock.pass(s, 10*time.Second)
	for _, c := range []*client{answering, dead, slow} {
		c.want(frame.OpPing, "")
	}
	slow.write([]byte{0x01, 0x01, 'a'}) // a fragment, not the last
	for range 13 {
		answering.send(frame.OpPong, "")
		slow.send(frame.OpPong, "")
		s.settle()
		clock.pass(s, 2*time.Second)
	}
	dead.wantClose(1008, "no_pong")
	slow.wantClose(1008, "message_timeout")
	answering.text("unharmed")
	answering.wantText("unharmed")
}

// A server that never answers the close frame does not keep the socket.
func TestDialedCloseTimeout(t *testing.T) {
	clock := newClock()
	opened := newBox[*Conn]()
	s := serve(t, Config{Loops: 1, now: clock.Now, CloseTimeout: 5 * time.Second, Handler: funcs{open: func(c *Conn) { opened <- c }}})
	c := reached(t, s, DialOptions{})
	onLoop(t, opened.take(t), func(c *Conn) { c.Close(1000, "") })
	c.want(frame.OpClose, "\x03\xe8")
	clock.pass(s, 5300*time.Millisecond)
	eventually(t, "socket closed", func() bool { return s.Stats().Connections == 0 })
}
