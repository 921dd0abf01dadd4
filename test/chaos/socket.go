package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

const (
	dialTimeout = 2 * time.Second
	// silence is how long a client believes in a connection on which nothing comes: the servers are started with pings every 3 s.
	silence = 8 * time.Second
	// maxFrame bounds a frame from the server.
	maxFrame = 4 << 20
)

// Opcodes, RFC 6455, section 5.2.
const (
	opText  = 1
	opClose = 8
	opPing  = 9
	opPong  = 10
)

// socket is the client's end of a WebSocket: as little of RFC 6455 as a client of wsedge needs.
//
// It belongs to one goroutine.
type socket struct {
	conn net.Conn
	in   *bufio.Reader
	buf  []byte
}

// openSocket connects to /ws of a server. The connection ends with ctx.
func openSocket(ctx context.Context, address string) (*socket, error) {
	dialer := net.Dialer{Timeout: dialTimeout}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	s := &socket{conn: conn, in: bufio.NewReaderSize(conn, 2048)}
	_ = conn.SetDeadline(time.Now().Add(silence))
	_, err = fmt.Fprintf(conn, "GET /ws HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", address)
	if err == nil {
		err = s.readHead()
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return s, nil
}

func (s *socket) readHead() error {
	response, err := http.ReadResponse(s.in, nil)
	if err != nil {
		return err
	}
	if accept := response.Header.Get("Sec-WebSocket-Accept"); response.StatusCode != 101 || accept != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
		return fmt.Errorf("handshake: %s", response.Status)
	}
	return nil
}

// next returns the next text message, good until the next call. Pings are answered. A close frame is an error.
func (s *socket) next() ([]byte, error) {
	for {
		_ = s.conn.SetReadDeadline(time.Now().Add(silence))
		opcode, payload, err := s.frame()
		if err != nil {
			return nil, err
		}
		switch opcode {
		case opText:
			return payload, nil
		case opPing:
			if err := s.write(opPong, payload); err != nil {
				return nil, err
			}
		case opClose:
			_ = s.write(opClose, payload)
			return nil, errors.New("closed by the server")
		case opPong:
		default:
			return nil, fmt.Errorf("a frame with opcode %d", opcode)
		}
	}
}

func (s *socket) frame() (opcode byte, payload []byte, err error) {
	var head [10]byte
	if _, err := io.ReadFull(s.in, head[:2]); err != nil {
		return 0, nil, err
	}
	n := uint64(head[1])
	switch {
	case n == 126:
		_, err = io.ReadFull(s.in, head[2:4])
		n = uint64(binary.BigEndian.Uint16(head[2:]))
	case n == 127:
		_, err = io.ReadFull(s.in, head[2:10])
		n = binary.BigEndian.Uint64(head[2:])
	case n > 127:
		err = errors.New("a masked frame from a server")
	}
	if err == nil && (head[0]&0xf0 != 0x80 || n > maxFrame) {
		err = fmt.Errorf("a frame that begins with %#x and has %d bytes", head[0], n)
	}
	if err != nil {
		return 0, nil, err
	}
	if uint64(cap(s.buf)) < n {
		s.buf = make([]byte, n)
	}
	_, err = io.ReadFull(s.in, s.buf[:n])
	return head[0] & 0xf, s.buf[:n], err
}

// write sends a frame with a mask of zeros, which leaves the payload as it is.
func (s *socket) write(opcode byte, payload []byte) error {
	out := []byte{0x80 | opcode, 0x80 | byte(min(len(payload), 126))}
	if len(payload) > 125 {
		out = binary.BigEndian.AppendUint16(out, uint16(len(payload)))
	}
	_ = s.conn.SetWriteDeadline(time.Now().Add(silence))
	_, err := s.conn.Write(append(append(out, 0, 0, 0, 0), payload...))
	return err
}

// say sends a text message.
func (s *socket) say(text string) error { return s.write(opText, []byte(strings.TrimSpace(text))) }

func (s *socket) close() { _ = s.conn.Close() }
