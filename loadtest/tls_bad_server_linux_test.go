package loadtest

import (
	"bufio"
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wsedge/wsedge/frame"
)

// sealer makes a server's records by itself (RFC 8446, sections 5.2 and 7.3), because crypto/tls makes none that are wrong.
// It knows TLS_AES_128_GCM_SHA256.
type sealer struct {
	secret []byte
	seq    uint64
}

func (s *sealer) expand(label string, n int) []byte {
	info := append([]byte{0, byte(n), byte(6 + len(label))}, "tls13 "+label...)
	out, err := hkdf.Expand(sha256.New, s.secret, string(append(info, 0)), n)
	if err != nil {
		panic(err)
	}
	return out
}

// seal makes one record of that inner type.
func (s *sealer) seal(kind byte, content ...byte) []byte {
	block, _ := aes.NewCipher(s.expand("key", 16))
	aead, _ := cipher.NewGCM(block)
	nonce := s.expand("iv", 12)
	binary.BigEndian.PutUint64(nonce[4:], binary.BigEndian.Uint64(nonce[4:])^s.seq)
	s.seq++
	n := len(content) + 1 + 16
	header := []byte{23, 3, 3, byte(n >> 8), byte(n)}
	return aead.Seal(slices.Clone(header), nonce, append(slices.Clone(content), kind), header)
}

// rekey goes on to the next key (RFC 8446, section 7.2).
func (s *sealer) rekey() { s.secret, s.seq = s.expand("traffic upd", 32), 0 }

// startBadTLS serves connections whose handshakes, of TLS and of WebSocket, are as they should be; then the script goes on
// below TLS, with records of its own.
func startBadTLS(t *testing.T, script func(conn net.Conn, s *sealer)) string {
	t.Helper()
	certificate := testAuthority.Issue("127.0.0.1")
	s := startRawServer(t, func(conn net.Conn) {
		var secrets tlsSecrets
		secure := tls.Server(conn, &tls.Config{
			Certificates: []tls.Certificate{certificate}, KeyLogWriter: &secrets, SessionTicketsDisabled: true, MinVersion: tls.VersionTLS13,
		})
		request, err := http.ReadRequest(bufio.NewReader(secure))
		if err != nil {
			return
		}
		_, _ = secure.Write(frame.AppendSwitchingProtocols(nil, []byte(request.Header.Get("Sec-WebSocket-Key")), "", ""))
		script(conn, &sealer{secret: secrets.server, seq: 1})
		// Whatever the client still says goes unread, so that the end is not a reset.
		_, _ = io.Copy(io.Discard, conn)
	})
	return "wss://" + s + "/ws/raw"
}

// startRawServer serves TCP connections.
func startRawServer(t *testing.T, serve func(net.Conn)) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serve(conn)
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-ended
	})
	return listener.Addr().String()
}

func TestBadServersOfTLS(t *testing.T) {
	repeat := func(n int, record func(s *sealer) []byte) func(net.Conn, *sealer) {
		return func(conn net.Conn, s *sealer) {
			for range n {
				if _, err := conn.Write(record(s)); err != nil {
					return
				}
			}
		}
	}
	raw := func(bytes string) func(net.Conn, *sealer) {
		return repeat(1, func(*sealer) []byte { return []byte(bytes) })
	}
	keyUpdate := func(s *sealer) []byte {
		record := s.seal(22, 24, 0, 0, 1, 1)
		s.rekey()
		return record
	}
	const endless = 5000 // within what both ends' sockets take
	cases := []struct {
		name   string
		script func(conn net.Conn, s *sealer)
		want   []string // of the small record layer, and of crypto/tls if that says something else
	}{
		{"a length beyond all", raw("\x17\x03\x03\xff\xff"), []string{"sent_record_overflow", "bad_record"}},
		{"no length", raw("\x17\x03\x03\x00\x00"), []string{"sent_bad_record_mac"}},
		{"noise in a record", raw("\x17\x03\x03\x00\x20" + strings.Repeat("x", 32)), []string{"sent_bad_record_mac"}},
		{"plain text after the handshake", raw("HTTP/1.1 200 OK\r\n\r\n"), []string{"sent_unexpected_message", "bad_record"}},
		{"an unprotected alert", raw("\x15\x03\x03\x00\x02\x02\x28"), []string{"sent_unexpected_message", "sent_bad_record_mac"}},
		{"an unprotected handshake", raw("\x16\x03\x03\x00\x04\x00\x00\x00\x00"), []string{"sent_unexpected_message", "sent_bad_record_mac"}},
		{"a request to renegotiate", repeat(1, func(s *sealer) []byte { return s.seal(22, 0, 0, 0, 0) }), []string{"sent_unexpected_message"}},
		{"an alert", repeat(1, func(s *sealer) []byte { return s.seal(21, 2, 40) }), []string{"alert_handshake_failure"}},
		{"a client certificate is missing", repeat(1, func(s *sealer) []byte { return s.seal(21, 2, 116) }), []string{"alert_certificate_required"}},
		{"key updates without end", repeat(endless, keyUpdate), []string{"no_progress"}},
		{"tickets without end", repeat(endless, func(s *sealer) []byte {
			return s.seal(22, 4, 0, 0, 14, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 1, 'x', 0, 0)
		}), []string{"no_progress"}},
		{"a ticket without end", repeat(1, func(s *sealer) []byte { return s.seal(22, 4, 255, 255, 255) }),
			[]string{"sent_illegal_parameter", "other"}},
		{"empty records without end", repeat(endless, func(s *sealer) []byte { return s.seal(23) }), []string{"no_progress"}},
		{"a cut connection", func(conn net.Conn, s *sealer) { _ = conn.(*net.TCPConn).CloseWrite() }, []string{"truncated"}},
		{"half a record, and a cut", func(conn net.Conn, s *sealer) {
			_, _ = conn.Write(s.seal(23, 0x82, 0x00)[:9])
			_ = conn.(*net.TCPConn).CloseWrite()
		}, []string{"truncated"}},
	}
	for _, c := range cases {
		for i, layer := range layers[:2] {
			t.Run(c.name+", "+layer.name, func(t *testing.T) {
				t.Parallel()
				options := layer.tls
				options.CA = testAuthority.PEM()
				r, text := oneIdle(t, startBadTLS(t, c.script), options)
				want := c.want[min(i, len(c.want)-1)]
				if r.Errors.Total != 1 || !strings.Contains(text, `"tls_causes":{"`+want+`":1}`) {
					t.Errorf("counted as %s, want %s", text, want)
				}
			})
		}
	}
}

// TestEndsThatAreAsTheyShouldBe: a close frame, with or without a close_notify, and a close_notify alone.
func TestEndsThatAreAsTheyShouldBe(t *testing.T) {
	closeFrame := []byte{0x88, 2, 0x03, 0xe9}
	cases := []struct {
		name   string
		script func(conn net.Conn, s *sealer)
		want   string
	}{
		{"a close frame", func(conn net.Conn, s *sealer) { _, _ = conn.Write(s.seal(23, closeFrame...)) }, `"close":{"1001":1}`},
		{"a close frame and a close_notify", func(conn net.Conn, s *sealer) {
			_, _ = conn.Write(append(s.seal(23, closeFrame...), s.seal(21, 1, 0)...))
		}, `"close":{"1001":1}`},
		{"a close_notify alone", func(conn net.Conn, s *sealer) { _, _ = conn.Write(s.seal(21, 1, 0)) }, `"close":{"1006":1}`},
	}
	for _, c := range cases {
		for _, layer := range layers[:2] {
			t.Run(c.name+", "+layer.name, func(t *testing.T) {
				t.Parallel()
				options := layer.tls
				options.CA = testAuthority.PEM()
				r, text := oneIdle(t, startBadTLS(t, c.script), options)
				if r.Errors.Total != 1 || !strings.Contains(text, c.want) {
					t.Errorf("counted as %s, want %s", text, c.want)
				}
			})
		}
	}
}

// TestKeyUpdatesAreAnswered has the server change its key between messages; the client's answer changes the client's.
func TestKeyUpdatesAreAnswered(t *testing.T) {
	for _, layer := range layers[:2] {
		url := startBadTLS(t, func(conn net.Conn, s *sealer) {
			for range 20 {
				update := s.seal(22, 24, 0, 0, 1, 1)
				s.rekey()
				_, _ = conn.Write(append(update, s.seal(23, 0x89, 0)...)) // a ping, which is answered
			}
			_, _ = conn.Write(s.seal(23, 0x88, 2, 0x03, 0xe8))
		})
		options := layer.tls
		options.CA = testAuthority.PEM()
		if r, text := oneIdle(t, url, options); r.Errors.Total != 1 || r.Errors.Close["1000"] != 1 || r.Messages.Pings != 20 {
			t.Errorf("%s: %s, %d pings", layer.name, text, r.Messages.Pings)
		}
	}
}

// TestBadTLSHandshakes is about servers that never get as far as TLS.
func TestBadTLSHandshakes(t *testing.T) {
	send := func(text string, thenClose bool) func(net.Conn) {
		return func(conn net.Conn) {
			_, _ = conn.Write([]byte(text))
			if !thenClose {
				_, _ = io.Copy(io.Discard, conn)
			}
		}
	}
	cases := []struct {
		name   string
		server func(net.Conn)
		want   string
	}{
		{"a web server", send("HTTP/1.1 400 Bad Request\r\n\r\n", false), `"tls_causes":{"not_tls":1}`},
		{"garbage", send("\x00\xff\x17\x80garbage", false), `"tls_causes":{"not_tls":1}`},
		{"an alert", send("\x15\x03\x03\x00\x02\x02\x28", false), `"tls_causes":{"alert_handshake_failure":1}`},
		{"an alert about the version", send("\x15\x03\x03\x00\x02\x02\x46", false), `"tls_causes":{"version":1}`},
		{"a record too long", send("\x16\x03\x03\xff\xff", false), `"tls_causes":{"not_tls":1}`},
		{"a message too long", send("\x16\x03\x03\x00\x04\x02\xff\xff\xff", false), `"tls_causes":{"`},
		{"a message that is none", send("\x16\x03\x03\x00\x05\x02\x00\x00\x01\x00", false), `"tls_causes":{"sent_decode_error":1}`},
		{"silence", send("", false), `"timeout":{"tls":1}`},
		{"half a record", send("\x16\x03\x03\x40\x00\x02", false), `"timeout":{"tls":1}`},
		{"records without end", func(conn net.Conn) {
			for block := bytes.Repeat([]byte("\x14\x03\x03\x00\x01\x01"), 1000); ; {
				if _, err := conn.Write(block); err != nil {
					return
				}
			}
		}, `"tls_causes":{"`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			timeout := 20 * time.Second
			if strings.Contains(c.want, "timeout") {
				timeout = 200 * time.Millisecond // the server says nothing that a faster client would understand
			}
			r, text := oneIdleWithin(t, timeout, "wss://"+startRawServer(t, c.server)+"/ws", TLS{})
			if r.Errors.Total != 1 || !strings.Contains(text, c.want) {
				t.Errorf("counted as %s, want %s", text, c.want)
			}
		})
	}
}
