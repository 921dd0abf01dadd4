package reactor

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/wsedge/wsedge/frame"
)

// ServeHTTP makes a WebSocket of a request that any net/http server has read: mount the Server in a router, behind
// middleware, beside other handlers. The connection leaves net/http and is given to a loop, which answers the request as if
// it had come to the server's own listener: by the same strict rules, limits, Origins and Config.Upgrade, to which
// Conn.Request shows the original. The target that the client sent counts, whatever middleware has made of r.URL. When
// ServeHTTP returns, the handshake has been answered, and net/http has nothing more to do with the connection: its Shutdown
// does not end it, the Server's own does.
//
// What asks for no WebSocket is answered with 426, HTTP/2 with 505 (RFC 8441 is not spoken), what cannot be admitted with 503,
// and with 500 where the ResponseWriter, or what its Unwrap methods lead to, is no http.Hijacker.
//
// A TCP or Unix socket is handed over as it is: nothing stays behind, no goroutine and no buffer. Any other connection, such as
// one of TLS, is bridged: two goroutines with 20 KiB of buffers carry its bytes, and it takes three descriptors.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if refusal := s.unfit(r); refusal != nil {
		s.refuseTo(w, r, refusal)
		return
	}
	head, ok := appendHead(nil, r)
	if !ok {
		s.refuseTo(w, r, statusHeadBytes)
		return
	}
	placed := s.isOwn(r)
	if !placed && !s.admit() {
		s.refuseTo(w, r, s.refusal())
		return
	}
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		if !placed {
			s.release()
		}
		s.cfg.Logger.Error("cannot take a connection over from HTTP", "error", err)
		s.refuseTo(w, r, statusNoHijack)
		return
	}
	ahead, _ := buffered.Reader.Peek(buffered.Reader.Buffered())
	s.takeOver(conn, placed, &enrollment{request: r, input: append(head, ahead...)})
}

// unfit is why the request cannot be brought to a loop at all; nil if it can.
func (s *Server) unfit(r *http.Request) *frame.HandshakeError {
	switch {
	case r.ProtoMajor != 1:
		return statusVersion
	case !asksForWebSocket(r.Header):
		return statusUpgradeRequired
	case s.draining.Load() || s.ended():
		return statusDraining
	case len(s.knownLoops()) == 0:
		return statusStarting
	}
	return nil
}

// asksForWebSocket is frame.Request.WantsUpgrade for net/http's headers.
func asksForWebSocket(h http.Header) bool {
	for _, line := range h["Upgrade"] {
		for token := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(textproto.TrimString(token), "websocket") {
				return true
			}
		}
	}
	return false
}

// appendHead writes the head of the request down again. It reports false where that would not be the same request: a line end,
// or a colon in a name, that some middleware has put there. All else is for the handshake to judge.
func appendHead(dst []byte, r *http.Request) (head []byte, ok bool) {
	target := r.RequestURI
	if target == "" {
		target = r.URL.RequestURI()
	}
	ok = isLine(r.Method) && isLine(target) && isLine(r.Host)
	dst = append(append(append(dst, r.Method...), ' '), target...)
	dst = strconv.AppendInt(append(dst, " HTTP/1."...), int64(r.ProtoMinor), 10)
	dst = append(dst, "\r\n"...)
	if r.Host != "" {
		dst = appendLine(dst, "Host", r.Host)
	}
	for name, values := range r.Header {
		if name == "Host" {
			continue
		}
		ok = ok && isLine(name) && !strings.Contains(name, ":")
		for _, value := range values {
			ok = ok && isLine(value)
			dst = appendLine(dst, name, value)
		}
	}
	if len(r.TransferEncoding) > 0 { // net/http has taken it out of the headers
		dst = appendLine(dst, "Transfer-Encoding", strings.Join(r.TransferEncoding, ", "))
	}
	return append(dst, "\r\n"...), ok
}

func isLine(s string) bool { return !strings.ContainsAny(s, "\r\n") }

func appendLine(dst []byte, name, value string) []byte {
	dst = append(append(dst, name...), ": "...)
	return append(append(dst, value...), "\r\n"...)
}

// isOwn reports whether the request came to the server's own listener, and has had a place since.
func (s *Server) isOwn(r *http.Request) bool {
	c, ok := r.Context().Value(ownConnKey{}).(*httpConn)
	return ok && c.srv == s
}

// takeOver gives a hijacked connection to a loop. placed tells that the connection has its place from when it was accepted;
// otherwise it has been admitted just now.
func (s *Server) takeOver(conn net.Conn, placed bool, e *enrollment) {
	if own, ok := conn.(*httpConn); ok && (s.tls != nil || !own.isSealed()) { // without TLS here it stays with the other server, behind a bridge
		socket, ahead := own.takeBack()
		e.announced = own.announced
		e.input = append(e.input, ahead...)
		conn = socket
		if sealed, ok := socket.(*sealedConn); ok {
			var plain []byte
			conn, e.session, plain = sealed.takeBack()
			e.input = append(e.input, plain...)
		}
		switch {
		case own.srv != s:
			own.srv.release()
		case !placed: // its context was lost on the way: it was counted twice
			s.release()
		}
	} else if placed && !s.admit() { // wrapped by middleware: it keeps its place, and the bridge needs one
		s.refuseOn(conn, e, s.refusal())
		return
	}
	socket, err := s.socketOf(conn, e)
	if err == nil {
		if err = s.enroll(socket, e); err != nil {
			defer socket.Close()
		}
	}
	if err != nil {
		s.cfg.Logger.Error("cannot bring a connection into a loop", "error", err)
		if socket != nil && e.peer.bridge == nil {
			conn = socket // the duplicate of one that is closed
		}
		s.refuseOn(conn, e, s.refusalOf(err))
	}
	switch b := e.peer.bridge; {
	case b != nil && err == nil:
		b.run()
	case b != nil:
		b.fail()
	case err != nil:
		s.release()
	}
}

// refusalOf is how a request is answered that no loop could be given.
func (s *Server) refusalOf(err error) *frame.HandshakeError {
	if s.draining.Load() || errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE) {
		return s.refusal()
	}
	return statusNoLoop
}

// socketOf returns what the engine can poll: conn itself where it is a plain socket, the loop's end of a bridge otherwise.
func (s *Server) socketOf(conn net.Conn, e *enrollment) (net.Conn, error) {
	switch c := conn.(type) {
	case *net.TCPConn:
		if addr, ok := c.RemoteAddr().(*net.TCPAddr); ok && addr.Zone != "" {
			e.peer.addr = addr
			return withoutZone(c)
		}
		return c, nil
	case *net.UnixConn:
		return again(c) // the engine writes to the address of the one it is given
	}
	b, socket, err := s.newBridge(conn)
	if err == nil {
		e.peer = peer{conn.RemoteAddr(), b}
	}
	return socket, err
}

// refuseTo refuses the request by w, and with it all that comes behind it on the connection: to the client that may be frames.
func (s *Server) refuseTo(w http.ResponseWriter, r *http.Request, h *frame.HandshakeError) {
	s.counters.refusal(h.Reason)
	header := w.Header()
	header["Connection"] = []string{"close"} // first: net/http looks at no other
	for line := range strings.SplitSeq(strings.TrimSuffix(h.Header, "\r\n"), "\r\n") {
		if name, value, ok := strings.Cut(line, ": "); ok {
			header.Add(name, value)
		}
	}
	if r.ProtoMajor != 1 {
		delete(header, "Connection") // RFC 9113, section 8.2.2
	}
	header.Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(h.Status)
	_, _ = w.Write([]byte(h.Reason + "\n"))
}

// refuseOn refuses the request on a connection that has been hijacked, and waits a moment for the client to hang up: see
// Conn.outputDone.
func (s *Server) refuseOn(conn net.Conn, e *enrollment, h *frame.HandshakeError) {
	s.counters.refusal(h.Reason)
	if e.session != nil { // nobody is left to encrypt
		_ = conn.Close()
		return
	}
	_ = conn.SetDeadline(time.Now().Add(s.cfg.LingerTimeout))
	_, _ = conn.Write(frame.AppendRejection(nil, h.Status, s.dateLine()+h.Header, h.Reason+"\n"))
	closeWrite(conn)
	_, _ = io.Copy(io.Discard, conn)
	_ = conn.Close()
}

// The refusals of ServeHTTP.
var (
	statusVersion   = &frame.HandshakeError{Status: http.StatusHTTPVersionNotSupported, Reason: "http_version"}
	statusHeadBytes = &frame.HandshakeError{Status: http.StatusBadRequest, Reason: "control_byte"}
	statusNoHijack  = &frame.HandshakeError{Status: http.StatusInternalServerError, Reason: "no_hijack"}
	statusNoLoop    = &frame.HandshakeError{Status: http.StatusInternalServerError, Reason: "no_loop"}
	statusStarting  = &frame.HandshakeError{
		Status: http.StatusServiceUnavailable, Reason: "starting", Header: "Retry-After: 1\r\n"}
)
