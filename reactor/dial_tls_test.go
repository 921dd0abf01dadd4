package reactor

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/wsedge/wsedge/frame"
)

// secretly is a conn of s that is dialed by TLS, and the other side of it.
func secretly(t *testing.T, s *Server) (c *Conn, conn *tls.Conn, r *bufio.Reader) {
	t.Helper()
	listener, err := tls.Listen("tcp", "127.0.0.1:0", serverTLS)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	dialed := make(chan *Conn, 1)
	go func() {
		c, _, err := s.Dial(t.Context(), "wss://"+listener.Addr().String()+"/", dialing(DialOptions{}))
		if err != nil {
			t.Error(err)
		}
		dialed <- c
	}()
	accepted, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { accepted.Close() })
	_ = accepted.SetDeadline(time.Now().Add(patience))
	r = bufio.NewReader(accepted)
	request, err := http.ReadRequest(r)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = accepted.Write(switching(request.Header.Get("Sec-WebSocket-Key"), ""))
	return <-dialed, accepted.(*tls.Conn), r
}

// Under TLS each side's last word reaches the other, and then the end of the session does, before that of the socket.
func TestDialTLSClosesCleanly(t *testing.T) {
	ends := newBox[End]()
	s := serveFed(t, Config{Handler: funcs{close: func(_ *Conn, e End) { ends <- e }}})
	c, conn, r := secretly(t, s)
	onLoop(t, c, func(c *Conn) { _ = c.Send(frame.OpText, make([]byte, 100_000)); c.Close(4000, "done") })
	peer := wrap(t, conn)
	peer.cfg.Role, peer.r = frame.Server, r
	if _, payload, err := peer.next(); err != nil || len(payload) != 100_000 {
		t.Fatal(len(payload), err)
	}
	peer.want(frame.OpClose, "\x0f\xa0done")
	peer.send(frame.OpClose, "\x0f\xa0")
	if _, err := r.ReadByte(); err != io.EOF { // not io.ErrUnexpectedEOF
		t.Error(err)
	}
	conn.Close()
	if end := ends.take(t); end.Code != 4000 || end.Remote {
		t.Errorf("%+v", end)
	}
	_, conn, r = secretly(t, s)
	_, _ = conn.Write(frame.AppendClose(nil, 4001, "gone"))
	_ = conn.CloseWrite()
	if end := ends.take(t); end.Code != 4001 || !end.Remote || end.RemoteAddr.(*net.TCPAddr).Port != conn.LocalAddr().(*net.TCPAddr).Port {
		t.Errorf("%+v", end)
	}
	if _, err := io.ReadAll(r); err != nil {
		t.Error(err)
	}
	conn.Close()
	eventually(t, "nothing left", goneFrom(s))
}
