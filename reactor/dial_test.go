package reactor

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wsedge/wsedge/frame"
)

// address is where a server's WebSockets are dialed.
func (s *Server) address(path string) string {
	return map[bool]string{true: "wss", false: "ws"}[s.cfg.TLS != nil] + "://" + s.Addr().String() + path
}

// dialing are the options with which a test's servers are believed.
func dialing(o DialOptions) DialOptions {
	o.TLS = clientTLS
	return o
}

// reachOut is Dial, which must work.
func reachOut(t testing.TB, s *Server, address string, o DialOptions) *Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c, _, err := s.Dial(ctx, address, dialing(o))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// echoing answers each message with itself.
func echoing(c *Conn, op frame.Opcode, payload []byte) { _ = c.Send(op, payload) }

// What a dialed conn sends comes back whole, in order, whatever its length; both sides close properly.
func TestDialEcho(t *testing.T) {
	ends := newBox[End]()
	there := serve(t, Config{Handler: funcs{message: echoing, close: func(_ *Conn, e End) { ends <- e }}, MaxMessageBytes: 1 << 20})
	type said struct {
		op   frame.Opcode
		text string
	}
	heard, closed := newBox[said](), newBox[End]()
	here := serveFed(t, Config{MaxMessageBytes: 1 << 20, Handler: funcs{
		message: func(c *Conn, op frame.Opcode, payload []byte) {
			if c.Context() != "mine" {
				t.Errorf("context %v", c.Context())
			}
			heard <- said{op, string(payload)}
		},
		close: func(_ *Conn, e End) { closed <- e },
	}})
	c := reachOut(t, here, there.address("/"), DialOptions{Context: "mine"})
	lengths := []int{0, 1, 125, 126, 65535, 65536, 300_000}
	onLoop(t, c, func(c *Conn) {
		for i, n := range lengths {
			op := []frame.Opcode{frame.OpText, frame.OpBinary}[i%2]
			if err := c.Send(op, bytes.Repeat([]byte{'a' + byte(i)}, n)); err != nil {
				t.Error(err)
			}
		}
		if err := c.Ping([]byte("there?")); err != nil {
			t.Error(err)
		}
	})
	for i, n := range lengths {
		if got := heard.take(t); got.op != []frame.Opcode{frame.OpText, frame.OpBinary}[i%2] || got.text != strings.Repeat(string(rune('a'+i)), n) {
			t.Errorf("message %d: %v, %d bytes, want %d", i, got.op, len(got.text), n)
		}
	}
	onLoop(t, c, func(c *Conn) { c.Close(4001, "enough") })
	if end := ends.take(t); end.Code != 4001 || end.Reason != "enough" || !end.Remote {
		t.Errorf("the server saw %+v", end)
	}
	if end := closed.take(t); end.Code != 4001 || end.Remote {
		t.Errorf("the client saw %+v", end)
	}
}

// The server's frames and its close are the client's to judge: what is masked is refused.
func TestDialRefusesMaskedFrames(t *testing.T) {
	closed := newBox[End]()
	here := serveFed(t, Config{Handler: funcs{close: func(_ *Conn, e End) { closed <- e }}})
	server := answering(t, func(conn net.Conn, _ *bufio.Reader, key string) {
		_, _ = conn.Write(append(switching(key, ""), frame.AppendMaskedFrame(nil, frame.OpText, []byte("x"), [4]byte{1, 2, 3, 4})...))
		_, _ = io.Copy(io.Discard, conn)
	})
	reachOut(t, here, server, DialOptions{})
	if end := closed.take(t); end.Code != frame.CloseProtocolError {
		t.Errorf("%+v", end)
	}
}

// All that a client sends is masked, with another key each time: messages, pongs, publications, notices, and the close.
func TestDialMasks(t *testing.T) {
	frames := newBox[[]byte]()
	here := serveFed(t, Config{Handler: funcs{}})
	server := answering(t, func(conn net.Conn, r *bufio.Reader, key string) {
		_, _ = conn.Write(append(switching(key, ""), frame.AppendFrame(nil, frame.OpPing, []byte("12345"))...))
		for {
			header := make([]byte, 6) // all frames here are short
			if _, err := io.ReadFull(r, header); err != nil {
				return
			}
			payload := make([]byte, header[1]&0x7F)
			_, _ = io.ReadFull(r, payload)
			frames <- append(header, payload...)
		}
	})
	topic := here.NewTopic(TopicOptions{})
	c := reachOut(t, here, server, DialOptions{})
	onLoop(t, c, func(c *Conn) {
		_ = c.Subscribe(topic)
		_ = c.Send(frame.OpText, []byte("12345"))
		_ = c.Send(frame.OpText, []byte("12345"))
	})
	for range 2 {
		if n, err := topic.Broadcast(frame.OpText, []byte("12345")); n != 1 || err != nil {
			t.Fatal(n, err)
		}
	}
	var got [][]byte
	for range 5 {
		got = append(got, frames.take(t))
	}
	onLoop(t, c, func(c *Conn) { c.Close(frame.CloseNormal, "bye") })
	got = append(got, frames.take(t))
	keys := make(map[string]bool)
	for i, f := range got {
		if f[1]&0x80 == 0 {
			t.Fatalf("frame %d is not masked: %x", i, f)
		}
		keys[string(f[2:6])] = true
		payload := f[6:]
		frame.Mask(payload, [4]byte(f[2:6]), 0)
		if want := map[bool]string{true: "\x03\xe8bye", false: "12345"}[i == 5]; string(payload) != want {
			t.Errorf("frame %d: %q", i, payload)
		}
	}
	if len(keys) != len(got) {
		t.Errorf("%d keys for %d frames", len(keys), len(got))
	}
}

// Conns of both kinds are subscribers of one topic, get the same in the same order, and a slow dialed one is told of its gap.
func TestDialedSubscribers(t *testing.T) {
	heard := newBox[string]()
	there := serve(t, Config{Handler: funcs{message: func(_ *Conn, _ frame.Opcode, payload []byte) { heard <- string(payload) }}})
	here, topic, _ := onTopic(t, Config{}, TopicOptions{})
	accepted := dialReady(t, here)
	reachOut(t, here, there.address("/"), DialOptions{})
	if got := heard.take(t); got != "ready" {
		t.Fatal(got)
	}
	for i := range 100 {
		if n, err := topic.Broadcast(frame.OpText, fmt.Append(nil, i)); n != 2 || err != nil {
			t.Fatal(n, err)
		}
	}
	for i := range 100 {
		accepted.wantText(fmt.Sprint(i))
		if got := heard.take(t); got != fmt.Sprint(i) {
			t.Fatalf("%q, want %d", got, i)
		}
	}
}

// Shutdown closes dialed conns as it does others.
func TestDialedShutdown(t *testing.T) {
	ends := newBox[End]()
	there := serve(t, Config{Handler: funcs{close: func(_ *Conn, e End) { ends <- e }}})
	here := serveFed(t, Config{Handler: funcs{}})
	for range 10 {
		reachOut(t, here, there.address("/"), DialOptions{})
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := here.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if end := ends.take(t); end.Code != frame.CloseGoingAway {
			t.Errorf("%+v", end)
		}
	}
	if _, _, err := here.Dial(ctx, there.address("/"), DialOptions{}); err != ErrClosed {
		t.Error(err)
	}
}

// answering is a server that reads one request, and then does as it likes.
func answering(t *testing.T, answer func(conn net.Conn, r *bufio.Reader, key string)) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	ctx, end := context.WithCancel(t.Context())
	t.Cleanup(func() { listener.Close(); end(); running.Wait() })
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer conn.Close()
				defer context.AfterFunc(ctx, func() { conn.Close() })()
				_ = conn.SetDeadline(time.Now().Add(patience))
				r := bufio.NewReader(conn)
				request, err := http.ReadRequest(r)
				if err == nil {
					answer(conn, r, request.Header.Get("Sec-WebSocket-Key"))
				}
			})
		}
	})
	return "ws://" + listener.Addr().String() + "/"
}

// switching is the answer of a server that accepts.
func switching(key, header string) []byte {
	return fmt.Appendf(nil, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n%s\r\n",
		frame.AppendAcceptKey(nil, []byte(key)), header)
}

func TestDialRefused(t *testing.T) {
	here := serveFed(t, Config{Handler: funcs{}})
	for _, row := range []struct {
		name   string
		answer string // "" for 101, and KEY for what is right
		want   string
		status int
	}{
		{"forbidden", "HTTP/1.1 403 Forbidden\r\nContent-Length: 6\r\n\r\nno way", "status_not_101", 403},
		{"no body that ends", "HTTP/1.1 500 Oh\r\n\r\n" + strings.Repeat("x", 10<<10), "status_not_101", 500},
		{"no HTTP", "SSH-2.0-OpenSSH\r\n\r\n", "status_line", 0},
		{"another key", "HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: xxxx\r\n\r\n", "websocket_accept", 101},
		{"a subprotocol that nobody offered", "101 Sec-WebSocket-Protocol: other\r\n", "subprotocol", 101},
		{"an extension that nobody offered", "101 Sec-WebSocket-Extensions: permessage-deflate\r\n", "extension_not_offered", 101},
		{"silence, and the end", "", "EOF", 0},
		{"too long a head", "HTTP/1.1 101 S\r\nX: " + strings.Repeat("x", 100<<10), "", 0},
	} {
		server := answering(t, func(conn net.Conn, _ *bufio.Reader, key string) {
			if header, ok := strings.CutPrefix(row.answer, "101 "); ok {
				_, _ = conn.Write(switching(key, header))
				return
			}
			_, _ = io.WriteString(conn, row.answer)
		})
		_, _, err := here.Dial(t.Context(), server, DialOptions{Subprotocols: []string{"mine"}})
		var refused *DialError
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v", row.name, err)
			continue
		}
		if row.status == 0 {
			if refused.Response != nil {
				t.Errorf("%s: %+v", row.name, refused.Response)
			}
			continue
		}
		body, _ := io.ReadAll(refused.Response.Body)
		if refused.Response.StatusCode != row.status || row.status == 403 && string(body) != "no way" || len(body) > maxRejection {
			t.Errorf("%s: %s %q", row.name, refused.Response.Status, body)
		}
	}
}

func TestDialAsked(t *testing.T) {
	here := serveFed(t, Config{Handler: funcs{}, MaxConns: 1})
	for _, row := range []struct {
		address string
		options DialOptions
		want    string
	}{
		{"http://127.0.0.1/", DialOptions{}, "want ws:// or wss://"},
		{"ws:///x", DialOptions{}, "want ws:// or wss://"},
		{"ws://ann:secret@host/", DialOptions{}, "without user"},
		{"ws://host/#x", DialOptions{}, "fragment"},
		{"ws://%zz/", DialOptions{}, "invalid URL escape"},
		{"ws://127.0.0.1/", DialOptions{Header: http.Header{"sec-websocket-key": {"x"}}}, "handshake's own"},
		{"ws://127.0.0.1/", DialOptions{Header: http.Header{"Host": {"x"}}}, "handshake's own"},
		{"ws://127.0.0.1/", DialOptions{Header: http.Header{"X Token": {"x"}}}, "want a token"},
		{"ws://127.0.0.1/", DialOptions{Header: http.Header{"Authorization": {"Bearer x\n"}}}, "want one line"},
		{"ws://127.0.0.1/", DialOptions{Subprotocols: []string{"a b"}}, "want tokens"},
	} {
		if _, _, err := here.Dial(t.Context(), row.address, row.options); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s %+v: %v", row.address, row.options, err)
		}
	}
	silent := answering(t, func(conn net.Conn, r *bufio.Reader, _ string) { _, _ = io.Copy(io.Discard, r) })
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(time.Millisecond, cancel)
	if _, _, err := here.Dial(ctx, silent, DialOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	accepting := answering(t, func(conn net.Conn, r *bufio.Reader, key string) {
		_, _ = conn.Write(switching(key, "Sec-WebSocket-Protocol: mine\r\n"))
		_, _ = io.Copy(io.Discard, r)
	})
	if _, response, err := here.Dial(t.Context(), accepting, DialOptions{Subprotocols: []string{"other", "mine"}}); err != nil || response.Header.Get("Sec-WebSocket-Protocol") != "mine" {
		t.Errorf("%+v, %v", response, err)
	}
	if _, _, err := here.Dial(t.Context(), accepting, DialOptions{}); err != ErrFull {
		t.Errorf("one too many: %v", err)
	}
}

// Under TLS, with a server of net/http, which upgrades by another Server.
func TestDialTLS(t *testing.T) {
	plainOnly(t, "the server is one of net/http here")
	there := serveFed(t, Config{Handler: funcs{message: echoing}})
	web := httptest.NewUnstartedServer(there)
	web.TLS = serverTLS.Clone()
	web.StartTLS()
	defer web.Close()
	heard := newBox[string]()
	here := serveFed(t, Config{Handler: funcs{message: func(_ *Conn, _ frame.Opcode, payload []byte) { heard <- string(payload) }}})
	c := reachOut(t, here, "wss"+strings.TrimPrefix(web.URL, "https")+"/", DialOptions{})
	onLoop(t, c, func(c *Conn) { _ = c.Send(frame.OpText, []byte("over TLS")) })
	if got := heard.take(t); got != "over TLS" {
		t.Error(got)
	}
	if _, _, err := here.Dial(t.Context(), "wss"+strings.TrimPrefix(web.URL, "https")+"/", DialOptions{}); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("an authority that nobody knows: %v", err)
	}
}

// What the server says right behind its answer is not lost, however it is cut.
func TestDialCutAtEveryByte(t *testing.T) {
	heard := newBox[string]()
	here := serveFed(t, Config{Handler: funcs{message: func(_ *Conn, _ frame.Opcode, payload []byte) { heard <- string(payload) }}})
	length := len(switching("dGhlIHNhbXBsZSBub25jZQ==", ""))
	for cut := 1; cut < length+8; cut += 3 {
		server := answering(t, func(conn net.Conn, r *bufio.Reader, key string) {
			all := append(switching(key, ""), frame.AppendFrame(nil, frame.OpText, []byte("hello"))...)
			_ = conn.(*net.TCPConn).SetNoDelay(true)
			_, _ = conn.Write(all[:min(cut, len(all))])
			time.Sleep(time.Millisecond) // so that it goes out in two, mostly; right either way
			_, _ = conn.Write(all[min(cut, len(all)):])
			_, _ = io.Copy(io.Discard, r)
		})
		reachOut(t, here, server, DialOptions{})
		if got := heard.take(t); got != "hello" {
			t.Fatalf("cut at %d: %q", cut, got)
		}
	}
}
