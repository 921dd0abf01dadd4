package loadtest

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/wsedge/wsedge/frame"
)

// pushServer is the smallest server that the scenarios work against: WebSocket and publishing on one port, a goroutine per
// connection. Its hooks make it misbehave; all of them are optional.
type pushServer struct {
	// Immutable after start.
	listener net.Listener
	// address is where it listens; 127.0.0.1:0 if it is empty.
	address string
	// admit answers a handshake with another status than 101.
	admit func(nth int) int
	// subscribed is the answer to a subscribe message.
	subscribed string
	// publish answers a publication with another status than 200; 0 closes without an answer. With 0 and 504 it is published.
	publish func(nth int) int
	// give is what subscriber 0 gets in place of a publication.
	give func(nth int, payload []byte) [][]byte
	// echo is what comes back for a message; nil is a copy.
	echo func(payload []byte) [][]byte
	// ping is sent before each publication.
	ping bool
	// Of subscribers after the first 60: replay is how many of the last publications they are given first (replayTwice: two
	// times), skipReturned how often each of them misses one in the middle.
	replay       int
	replayTwice  bool
	skipReturned int
	// epoch gives publications offsets, from 1, and lets subscribers recover; "": neither. missed is what one is given that comes
	// back, and whether it is told that this is all; nil: just that.
	epoch  string
	missed func(missed [][]byte) (given [][]byte, recovered bool)
	// away is how many publications one must have missed before it is answered that comes back: they may be made later than they
	// were intended, and so later than it was to come back.
	away int
	// badTickets has it take none.
	badTickets bool
	// secure makes it a server of TLS.
	secure *tls.Config
	// deflate is how it accepts an offer of permessage-deflate; "" declines it.
	deflate string

	handlers  sync.WaitGroup
	published sync.Cond // on mu: past has grown, or stopped is set

	// Guarded by mu.
	mu           sync.Mutex
	stopped      bool
	conns        map[net.Conn]bool
	subscribers  []net.Conn
	connects     []string // what was said to connect
	past         [][]byte // messages
	handshakes   int
	publications int
	pongs        int
	closes       int // close frames from clients
}

func (s *pushServer) start(t *testing.T) {
	t.Helper()
	setDefault(&s.address, "127.0.0.1:0")
	listener, err := net.Listen("tcp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	if s.secure != nil {
		listener = tls.NewListener(listener, s.secure)
	}
	s.listener, s.conns, s.published.L = listener, map[net.Conn]bool{}, &s.mu
	if s.subscribed == "" {
		s.subscribed = `{"type":"subscribed","id":1,"channel":"load"}`
	}
	s.handlers.Go(s.accept)
	t.Cleanup(s.stop)
}

func (s *pushServer) url(path string) string {
	scheme := "ws://"
	if s.secure != nil {
		scheme = "wss://"
	}
	return scheme + s.listener.Addr().String() + path
}

func (s *pushServer) stop() {
	_ = s.listener.Close()
	s.mu.Lock()
	s.stopped = true
	s.published.Broadcast()
	for conn := range s.conns {
		_ = conn.Close()
	}
	s.mu.Unlock()
	s.handlers.Wait()
}

func (s *pushServer) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.conns[conn] = true
		s.mu.Unlock()
		s.handlers.Go(func() {
			s.serve(conn)
			s.mu.Lock()
			delete(s.conns, conn)
			s.mu.Unlock()
			_ = conn.Close()
		})
	}
}

// serve reads requests until one of them is an upgrade.
func (s *pushServer) serve(conn net.Conn) {
	in := bufio.NewReader(conn)
	for {
		request, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		if request.Method == http.MethodPost {
			if !s.acceptPublication(conn, request) {
				return
			}
			continue
		}
		s.upgrade(conn, in, request)
		return
	}
}

func (s *pushServer) acceptPublication(conn net.Conn, request *http.Request) bool {
	body, err := io.ReadAll(request.Body)
	var publication struct {
		Channel string
		Data    json.RawMessage
	}
	if err != nil || json.Unmarshal(body, &publication) != nil || publication.Channel != "load" {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	nth := s.publications
	s.publications++
	status := http.StatusOK
	if s.publish != nil {
		status = s.publish(nth)
	}
	if status/100 == 2 || status == 0 || status == http.StatusGatewayTimeout {
		s.broadcast(nth, publication.Data)
	}
	if status == 0 {
		return false
	}
	answer := http.Response{
		StatusCode: status, ProtoMajor: 1, ProtoMinor: 1, ContentLength: 2, Body: io.NopCloser(strings.NewReader("{}")),
	}
	return answer.Write(conn) == nil
}

// broadcast is called with mu held, which gives all subscribers the same order.
func (s *pushServer) broadcast(nth int, data []byte) {
	message := append([]byte(`{"type":"message","channel":"load","data":`), data...)
	if s.epoch != "" {
		message = fmt.Appendf(message, `,"offset":%d`, len(s.past)+1)
	}
	message = append(message, '}')
	s.past = append(s.past, message)
	s.published.Broadcast()
	for i, conn := range s.subscribers {
		if i >= returned && s.skipReturned > 0 && nth%s.skipReturned == 0 {
			continue
		}
		out := []byte{}
		if s.ping {
			out = frame.AppendFrame(out, frame.OpPing, []byte("alive?"))
		}
		payloads := [][]byte{message}
		if i == 0 && s.give != nil {
			payloads = s.give(nth, message)
		}
		for _, p := range payloads {
			out = frame.AppendFrame(out, frame.OpText, p)
		}
		if len(out) > 0 {
			_, _ = conn.Write(out)
		}
	}
}

func (s *pushServer) upgrade(conn net.Conn, in *bufio.Reader, request *http.Request) {
	s.mu.Lock()
	nth := s.handshakes
	s.handshakes++
	s.mu.Unlock()
	if s.admit != nil {
		if status := s.admit(nth); status != http.StatusSwitchingProtocols {
			_, _ = conn.Write(frame.AppendRejection(nil, status, "", "no"))
			return
		}
	}
	offer := request.Header.Get("Sec-WebSocket-Extensions")
	cfg := frame.DecoderConfig{Role: frame.Server, MaxMessageBytes: 2 * MaxPayload}
	if s.deflate != "" && offer != "" {
		takeover := !strings.Contains(offer+s.deflate, "no_context_takeover")
		conn = newDeflatingConn(conn, s.deflate, takeover)
		cfg.Inflater = frame.NewInflater()
		if takeover {
			cfg.Window = frame.NewWindow(frame.MaxWindowBits)
		}
	}
	answer := frame.AppendSwitchingProtocols(nil, []byte(request.Header.Get("Sec-WebSocket-Key")), "", "")
	// The welcome comes in one write with the handshake's answer.
	native := request.URL.Path == "/ws"
	if native {
		answer = frame.AppendFrame(answer, frame.OpText, []byte(`{"type":"welcome"}`))
	}
	// As with a real server, whoever is subscribed by the URL is subscribed before the answer reaches the client.
	s.mu.Lock()
	_, err := conn.Write(answer)
	if request.URL.Query().Has("channel") {
		s.subscribers = append(s.subscribers, conn)
	}
	s.mu.Unlock()
	if err == nil {
		s.frames(conn, in, native, &cfg)
	}
}

func (s *pushServer) frames(conn net.Conn, in *bufio.Reader, native bool, cfg *frame.DecoderConfig) {
	var decoder frame.Decoder
	buf := make([]byte, 4096)
	for {
		n, err := in.Read(buf)
		if err != nil {
			return
		}
		for rest := buf[:n]; len(rest) > 0; {
			m, used, err := decoder.Next(cfg, rest)
			if err != nil {
				return
			}
			if m.Opcode == frame.OpContinuation {
				break
			}
			rest = rest[used:]
			err = s.message(conn, &m, native)
			m.Release()
			if err != nil {
				return
			}
		}
	}
}

var errClosed = errors.New("closed by the client")

func (s *pushServer) message(conn net.Conn, m *frame.Message, native bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []byte
	switch {
	case m.Opcode == frame.OpPong:
		s.pongs++
	case m.Opcode == frame.OpClose:
		s.closes++
		_, _ = conn.Write(frame.AppendFrame(nil, frame.OpClose, m.Payload))
		return errClosed
	case !m.Opcode.IsData():
	case native && s.epoch != "" && bytes.Contains(m.Payload, []byte(`"type":"connect"`)):
		out = s.connect(conn, m.Payload)
	case native && s.epoch != "":
		out = s.recover(m.Payload)
		s.subscribers = append(s.subscribers, conn)
	case native:
		out = frame.AppendFrame(nil, frame.OpText, []byte(s.subscribed))
		if len(s.subscribers) >= returned {
			out = s.appendReplay(out)
		}
		s.subscribers = append(s.subscribers, conn)
	case s.echo != nil:
		for _, p := range s.echo(m.Payload) {
			out = frame.AppendFrame(out, m.Opcode, p)
		}
	default:
		out = frame.AppendFrame(nil, m.Opcode, m.Payload)
	}
	if len(out) == 0 {
		return nil
	}
	_, err := conn.Write(out)
	return err
}

// returned is the number of the first subscriber that is one of those that come back, in the tests that tell them apart.
const returned = 60

// appendReplay gives a subscriber what was published before. It is called with mu held.
func (s *pushServer) appendReplay(out []byte) []byte {
	for _, p := range s.past[max(0, len(s.past)-s.replay):] {
		out = frame.AppendFrame(out, frame.OpText, p)
		if s.replayTwice {
			out = frame.AppendFrame(out, frame.OpText, p)
		}
	}
	return out
}

// recover answers a subscription with a position, and with what was missed where it asks for that. It is called with mu held, and
// gives it away while it waits.
func (s *pushServer) recover(payload []byte) (out []byte) {
	var command struct {
		Recover *struct {
			Epoch  string
			Offset int
		}
	}
	if err := json.Unmarshal(payload, &command); err != nil {
		return frame.AppendClose(nil, frame.CloseInvalidPayload, "")
	}
	for r := command.Recover; r != nil && len(s.past)-r.Offset < s.away && !s.stopped; {
		s.published.Wait()
	}
	reply := fmt.Appendf(nil, `{"type":"subscribed","id":1,"channel":"load","epoch":%q,"offset":%d`, s.epoch, len(s.past))
	var given [][]byte
	if r := command.Recover; r != nil {
		recovered := r.Epoch == s.epoch && r.Offset <= len(s.past)
		if recovered {
			if given = s.past[r.Offset:]; s.missed != nil {
				given, recovered = s.missed(given)
			}
		}
		reply = fmt.Appendf(reply, `,"recovered":%v`, recovered)
	}
	out = frame.AppendFrame(nil, frame.OpText, append(reply, '}'))
	for _, p := range given {
		out = frame.AppendFrame(out, frame.OpText, p)
	}
	return out
}

// connect welcomes a client, with a ticket behind it, or takes one. It is called with mu held.
func (s *pushServer) connect(conn net.Conn, payload []byte) (out []byte) {
	s.connects = append(s.connects, string(payload))
	var command struct {
		Ticket    any
		Positions map[string]json.RawMessage
	}
	if err := json.Unmarshal(payload, &command); err != nil {
		return frame.AppendClose(nil, frame.CloseInvalidPayload, "")
	}
	text := func(s string) []byte { return frame.AppendFrame(nil, frame.OpText, []byte(s)) }
	switch given := command.Ticket.(type) {
	case string:
		if s.badTickets || given != "a ticket" {
			return text(`{"type":"error","code":"unauthorized"}`)
		}
		s.subscribers = append(s.subscribers, conn)
		return append(text(`{"type":"welcome","id":2,"channels":["load"]}`), s.recover(fmt.Appendf(nil, `{"recover":%s}`, command.Positions["load"]))...)
	default:
		return append(text(`{"type":"welcome","id":1}`), text(`{"type":"ticket","ticket":"a ticket"}`)...)
	}
}

// closeSubscriber sends a close frame to a subscriber and ends its connection. It is called with mu held.
func (s *pushServer) closeSubscriber(i int, code frame.CloseCode) {
	_, _ = s.subscribers[i].Write(frame.AppendClose(nil, code, "bye"))
	_ = s.subscribers[i].(*net.TCPConn).CloseWrite()
}
