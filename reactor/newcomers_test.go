package reactor

import (
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// balance is Newcomers that let everybody in, and want each to leave once, under the address of its entry. Most servers of these tests
// have them, so that every end that a connection can take is looked at.
type balance struct {
	most int // 0: any number

	mu      sync.Mutex
	by      map[string]int
	entered int
}

func (b *balance) Enter(address net.Addr) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.most > 0 && b.entered == b.most {
		return false
	}
	b.entered++
	b.add(address, 1)
	return true
}

func (b *balance) Leave(address net.Addr) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.add(address, -1)
}

func (b *balance) add(address net.Addr, n int) {
	if b.by == nil {
		b.by = make(map[string]int)
	}
	name := address.Network() + " " + address.String()
	if b.by[name] += n; b.by[name] == 0 {
		delete(b.by, name)
	}
}

// left is how many addresses have entered and not left, or the other way round.
func (b *balance) left() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.by)
}

// check wants all to have left when the server has ended.
func (b *balance) check(t testing.TB) {
	t.Helper()
	eventually(t, "all newcomers have left", func() bool { return b.left() == 0 })
}

// Newcomers are those that are no WebSocket yet, or never will be; who may not come in is hung up on, and harms nobody.
func TestNewcomers(t *testing.T) {
	b := &balance{most: 2}
	s := serve(t, Config{Handler: echo, Newcomers: b})
	kept := dial(t, s, "/")
	b.check(t) // it is a WebSocket now
	silent := connect(t, s)
	eventually(t, "one that is silent has come", func() bool { return b.left() == 1 })
	refused := connectPlain(t, s)
	_ = refused.socket.SetReadDeadline(time.Now().Add(patience))
	if n, err := refused.socket.Read(make([]byte, 1)); n > 0 || err == nil {
		t.Errorf("one too many got %d bytes, %v", n, err)
	}
	if n := s.Stats().Refused["address_sockets"]; n != 1 {
		t.Errorf("%d counted", n)
	}
	kept.text("kept")
	kept.wantText("kept")
	silent.Close()
	b.check(t)
}

// Who is refused at the cap anyway is told so, whatever number of sockets its address has.
func TestNewcomersAboveTheCap(t *testing.T) {
	plainOnly(t, "over TLS nobody is told")
	b := &balance{most: 1}
	s := serve(t, Config{Handler: echo, Newcomers: b, MaxConns: 1})
	dial(t, s, "/")
	refused := connectPlain(t, s)
	refused.write(handshakeBytes("/"))
	if head := string(refused.head()); !strings.HasPrefix(head, "HTTP/1.1 503 ") {
		t.Errorf("got %q", head)
	}
	if n := s.Stats().Refused["address_sockets"]; n != 0 {
		t.Errorf("%d counted", n)
	}
}

// A request whose sender has reset the connection is served all the same, by a socket that does not know any more whose it was. Its address
// must have its place back, or it would have none in the end.
func TestNewcomerThatResetsBehindItsRequest(t *testing.T) {
	plainOnly(t, "the request has to be there when the loop looks")
	b := &balance{}
	served := make(chan string, 1)
	s := serve(t, Config{Handler: echo, Newcomers: b, Loops: 1, HTTP: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { served <- r.RemoteAddr })})
	c := connectPlain(t, s)
	eventually(t, "it has come", func() bool { return b.left() == 1 })
	l := s.knownLoops()[0]
	stalled, goOn := make(chan bool), make(chan bool)
	l.inbox.put(post{kind: postCall, conn: &Conn{loop: l, state: stateOpen}, call: func(*Conn) { stalled <- true; <-goOn }})
	<-stalled
	c.write([]byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"))
	_ = c.socket.SetLinger(0)
	_ = c.socket.Close()
	close(goOn)
	if from := <-served; from != c.socket.LocalAddr().String() {
		t.Errorf("it was served as one from %q", from)
	}
	b.check(t)
}
