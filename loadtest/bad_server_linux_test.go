package loadtest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wsedge/wsedge/frame"
)

// badServer is raw TCP. Its first connection gets the script, the others a proper handshake and an echo of close frames.
type badServer struct {
	// Immutable after start.
	listener net.Listener
	script   func(conn net.Conn, answer []byte) // answer is a proper 101
	handlers sync.WaitGroup

	sent  atomic.Int64 // by the script
	mu    sync.Mutex
	conns []net.Conn // guarded by mu
}

// countingConn counts what the script could send.
type countingConn struct {
	*net.TCPConn
	sent *atomic.Int64
}

func (c countingConn) Write(p []byte) (int, error) {
	n, err := c.TCPConn.Write(p)
	c.sent.Add(int64(n))
	return n, err
}

func startBadServer(t *testing.T, script func(conn net.Conn, answer []byte)) *badServer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &badServer{listener: listener, script: script}
	s.handlers.Go(func() {
		for nth := 0; ; nth++ {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns = append(s.conns, conn)
			s.mu.Unlock()
			s.handlers.Go(func() { s.serve(nth, conn) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		s.mu.Lock()
		for _, conn := range s.conns {
			_ = conn.Close()
		}
		s.mu.Unlock()
		s.handlers.Wait()
	})
	return s
}

func (s *badServer) serve(nth int, conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	request, err := http.ReadRequest(in)
	if err != nil {
		return
	}
	answer := frame.AppendSwitchingProtocols(nil, []byte(request.Header.Get("Sec-WebSocket-Key")), "", "")
	if nth == 0 {
		s.script(countingConn{conn.(*net.TCPConn), &s.sent}, answer)
		return
	}
	_, _ = conn.Write(answer)
	_, _ = in.ReadByte()
	_, _ = conn.Write(frame.AppendClose(nil, frame.CloseNormal, ""))
}

// badBytes are sent in place of, or behind, the answer to the handshake; then the server waits for the client to go.
func badBytes(behindAnswer bool, bytes string) func(net.Conn, []byte) {
	return func(conn net.Conn, answer []byte) {
		if !behindAnswer {
			answer = nil
		}
		_, _ = conn.Write(append(answer, bytes...))
		_, _ = io.Copy(io.Discard, conn)
	}
}

// endless sends the same bytes until the client is gone.
func endless(behindAnswer bool, text string) func(net.Conn, []byte) {
	return func(conn net.Conn, answer []byte) {
		if behindAnswer {
			_, _ = conn.Write(answer)
		}
		block := bytes.Repeat([]byte(text), 1+4096/len(text))
		for {
			if _, err := conn.Write(block); err != nil {
				return
			}
		}
	}
}

func withHeader(line string) func(net.Conn, []byte) {
	return func(conn net.Conn, answer []byte) {
		_, _ = conn.Write(bytes.Replace(answer, []byte("\r\n\r\n"), []byte("\r\n"+line+"\r\n\r\n"), 1))
		_, _ = io.Copy(io.Discard, conn)
	}
}

func TestBadServers(t *testing.T) {
	drip := func(conn net.Conn, _ []byte) {
		for i := 0; ; i++ {
			if _, err := conn.Write([]byte{"HTTP/1.1 101 "[min(i, 12)]}); err != nil {
				return
			}
			time.Sleep(time.Millisecond) // a slow server; nothing waits for it
		}
	}
	cases := []struct {
		name   string
		script func(net.Conn, []byte)
		want   string // the only error, in JSON
	}{
		{"garbage", badBytes(false, "\x00\xff\x17\x80garbage"), `"bad_handshake":{"control_byte":1}`},
		{"another protocol", badBytes(false, "SSH-2.0-OpenSSH_9.9\n"), `"bad_handshake":{"bare_lf":1}`},
		{"another protocol, with proper lines", badBytes(false, "SMTP ready\r\n\r\n"), `"bad_handshake":{"status_line":1}`},
		{"a TLS alert", badBytes(false, "\x15\x03\x01\x00\x02\x02\x16"), `"tls":1`},
		{"a web page", badBytes(false, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"), `"http_status":{"200":1}`},
		{"a redirection", badBytes(false, "HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n"), `"http_status":{"302":1}`},
		{"a status that is none", badBytes(false, "HTTP/1.1 99999 Hm\r\n\r\n"), `"bad_handshake":{"status_line":1}`},
		{"the key of another", badBytes(false, "HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n"),
			`"bad_handshake":{"websocket_accept":1}`},
		{"an extension", withHeader("Sec-WebSocket-Extensions: permessage-deflate"), `"bad_handshake":{"extension_not_offered":1}`},
		{"a subprotocol", withHeader("Sec-WebSocket-Protocol: chat"), `"bad_handshake":{"subprotocol_not_offered":1}`},
		{"endless headers", endless(false, "HTTP/1.1 101 S\r\nX: y\r\n"), `"bad_handshake":{"too_many_headers":1}`},
		{"an endless header", endless(false, "HTTP/1.1 101"), `"bad_handshake":{"request_line_too_long":1}`},
		{"silence", badBytes(false, ""), `"timeout":{"handshake":1}`},
		{"a byte at a time", drip, `"timeout":{"handshake":1}`},
		{"hanging up", func(net.Conn, []byte) {}, `"bad_handshake":{"closed":1}`},
		{"reset", func(conn net.Conn, _ []byte) { _ = conn.(countingConn).SetLinger(0) }, `"reset":1`},

		{"a length of 2^62", badBytes(true, "\x82\x7f\x40\x00\x00\x00\x00\x00\x00\x00data"), `"protocol":{"message_too_big":1}`},
		{"a length of 2^63", badBytes(true, "\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x00data"), `"protocol":{"length_overflow":1}`},
		{"a long form of a short length", badBytes(true, "\x82\x7e\x00\x05hello"), `"protocol":{"non_minimal_length":1}`},
		{"a masked frame", badBytes(true, "\x81\x85maskhello"), `"protocol":{"masked_frame":1}`},
		{"RSV1", badBytes(true, "\xc1\x00"), `"protocol":{"reserved_bits":1}`},
		{"RSV2", badBytes(true, "\xa1\x00"), `"protocol":{"reserved_bits":1}`},
		{"RSV3", badBytes(true, "\x91\x00"), `"protocol":{"reserved_bits":1}`},
		{"opcode 3", badBytes(true, "\x83\x00"), `"protocol":{"reserved_opcode":1}`},
		{"opcode 15", badBytes(true, "\x8f\x00"), `"protocol":{"reserved_opcode":1}`},
		{"half a ping", badBytes(true, "\x09\x00"), `"protocol":{"fragmented_control":1}`},
		{"a long ping", badBytes(true, "\x89\x7e\x00\x7e"), `"protocol":{"control_too_long":1}`},
		{"the end of nothing", badBytes(true, "\x80\x00"), `"protocol":{"unexpected_continuation":1}`},
		{"a message inside of one", badBytes(true, "\x01\x00\x81\x00"), `"protocol":{"expected_continuation":1}`},
		{"text that is none", badBytes(true, "\x81\x01\xff"), `"protocol":{"invalid_utf8":1}`},
		{"half a close code", badBytes(true, "\x88\x01\x03"), `"protocol":{"close_payload":1}`},
		{"a code that must not be sent", badBytes(true, "\x88\x02\x03\xee"), `"protocol":{"close_code":1}`},
		{"endless fragments", endless(true, "\x00\x7d"+strings.Repeat("x", 125)), `"protocol":{"unexpected_continuation":1}`},
		{"an endless message", func(conn net.Conn, answer []byte) {
			_, _ = conn.Write(append(answer, 0x02, 0))
			endless(false, "\x00\x7d"+strings.Repeat("x", 125))(conn, nil)
		}, `"protocol":{"message_too_big":1}`},
		{"going away", badBytes(true, "\x88\x02\x03\xe9"), `"close":{"1001":1}`},
		{"going without a word", func(conn net.Conn, answer []byte) { _, _ = conn.Write(answer) }, `"close":{"1006":1}`},
		{"half a frame, then nothing", func(conn net.Conn, answer []byte) { _, _ = conn.Write(append(answer, 0x82, 0x7e)) }, `"close":{"1006":1}`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := startBadServer(t, c.script)
			timeout := patience
			if strings.Contains(c.want, "timeout") {
				timeout = 3 * time.Second // the two others must be faster
			}
			// What the server does takes as long as it takes: the run ends with the first error.
			ctx, end := context.WithCancel(t.Context())
			defer end()
			r, err := Run(ctx, Config{
				Scenario: Idle, URL: "ws://" + s.listener.Addr().String() + "/ws/raw", Conns: 3, Threads: 1,
				ConnectRate: 1e6, Duration: patience, SetupTimeout: timeout,
				Observe: func(s Status) {
					if s.Established+s.Failed == 3 && s.Failed+s.Ended > 0 {
						end()
					}
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			checkSchema(t, r)
			text, err := json.Marshal(r.Errors)
			if err != nil {
				t.Fatal(err)
			}
			if r.Errors.Total != 1 || !strings.Contains(string(text), c.want) || strings.Contains(string(text), "others") {
				t.Errorf("counted as %s, want only %s", text, c.want)
			}
			if c := r.Connections; r.Verdict.OK || c.Established+int(sum(c.Failures)) != 3 || sum(c.Failures)+sum(c.Endings) != 1 {
				t.Errorf("%v, %+v: want the two others to be as they should", r.Verdict, c)
			}
			// Both ends' socket buffers are some MiB; whatever is above went into the client.
			if sent := s.sent.Load(); sent > 32<<20 {
				t.Errorf("the server could send %d bytes", sent)
			}
		})
	}
}

// TestServerThatNeverReads sends pings without end, and reads none of the pongs.
func TestServerThatNeverReads(t *testing.T) {
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	var highest atomic.Uint64
	s := startBadServer(t, func(conn net.Conn, answer []byte) {
		_, _ = conn.Write(answer)
		pings := bytes.Repeat(frame.AppendFrame(nil, frame.OpPing, bytes.Repeat([]byte("p"), 125)), 512)
		for i := 0; ; i++ {
			if _, err := conn.Write(pings); err != nil {
				return
			}
			if i%64 == 0 {
				var now runtime.MemStats
				runtime.ReadMemStats(&now)
				highest.Store(max(highest.Load(), now.HeapAlloc))
			}
		}
	})
	r := mustRun(t, Config{
		Scenario: Idle, URL: "ws://" + s.listener.Addr().String() + "/ws/raw", Conns: 1, Duration: 500 * time.Millisecond,
	})
	if r.Messages.Pings == 0 || !r.Verdict.OK {
		t.Errorf("%d pings, %v", r.Messages.Pings, r.Verdict)
	}
	if grown := int64(highest.Load()) - int64(before.HeapAlloc); grown > 16<<20 {
		t.Errorf("the heap has grown by %d bytes", grown)
	}
}

// TestEchoServerThatNeverReads has the open loop go on until what is kept for the server is enough.
func TestEchoServerThatNeverReads(t *testing.T) {
	s := startBadServer(t, func(conn net.Conn, answer []byte) {
		_, _ = conn.Write(answer)
		var wait [1]byte
		_, _ = conn.Read(wait[:])
		for { // until the client resets
			if _, err := conn.Write(frame.AppendFrame(nil, frame.OpPong, nil)); err != nil {
				return
			}
			time.Sleep(time.Millisecond) // nothing waits for it
		}
	})
	r := mustRun(t, Config{
		Scenario: Echo, URL: "ws://" + s.listener.Addr().String() + "/", Conns: 1, Duration: time.Second, Rate: 500, Payload: MaxPayload,
		Drain: time.Millisecond,
	})
	if r.Errors.Other["send: the server does not read"] != 1 || r.Messages.Sent >= 500 || r.Ledger.Lost != r.Messages.Sent {
		t.Errorf("%+v, %d sent, %+v", r.Errors, r.Messages.Sent, r.Ledger)
	}
}

// TestPublishServerThatNeverEndsItsAnswer has the head, and then the body, go on for ever.
func TestPublishServerThatNeverEndsItsAnswer(t *testing.T) {
	for name, text := range map[string]string{"head": "X: y\r\n", "body": "\r\nbody"} {
		t.Run(name, func(t *testing.T) {
			good := &pushServer{}
			good.start(t)
			bad := startBadServer(t, func(conn net.Conn, _ []byte) {
				_, _ = conn.Write([]byte("HTTP/1.1 200 OK\r\n"))
				endless(false, text)(conn, nil)
			})
			cfg := shortFanout(good.url("/ws"))
			cfg.PublishURL, cfg.Duration, cfg.Drain = "http://"+bad.listener.Addr().String()+"/", 5*time.Millisecond, 2*time.Second
			r := mustRun(t, cfg)
			if r.Verdict.OK || r.Publications.Scheduled != 1 || r.Publications.Acknowledged+r.Publications.Unknown != 1 {
				t.Errorf("%v, %+v", r.Verdict, r.Publications)
			}
			if sent := bad.sent.Load(); sent > 32<<20 {
				t.Errorf("the server could send %d bytes", sent)
			}
		})
	}
}
