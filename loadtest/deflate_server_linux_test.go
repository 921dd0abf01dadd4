package loadtest

import (
	"bufio"
	"bytes"
	"compress/flate"
	"net"
	"strings"

	"github.com/wsedge/wsedge/frame"
)

// deflatingConn compresses what a server writes, with another library than the client inflates with.
type deflatingConn struct {
	net.Conn
	header   string // that accepts the offer
	takeover bool
	sink     bytes.Buffer
	writer   *flate.Writer
	upgraded bool
}

func newDeflatingConn(conn net.Conn, header string, takeover bool) *deflatingConn {
	c := &deflatingConn{Conn: conn, header: header, takeover: takeover}
	c.writer, _ = flate.NewWriter(&c.sink, flate.BestSpeed)
	return c
}

// CloseWrite is what closing a subscriber takes.
func (c *deflatingConn) CloseWrite() error {
	return c.Conn.(interface{ CloseWrite() error }).CloseWrite()
}

// Write takes the handshake's answer, and whole frames behind it.
func (c *deflatingConn) Write(p []byte) (int, error) {
	var out []byte
	rest := p
	if !c.upgraded {
		head, frames, _ := bytes.Cut(p, []byte("\r\n\r\n"))
		out = append(append(append(out, head...), "\r\nSec-WebSocket-Extensions: "...), c.header...)
		out, rest, c.upgraded = append(out, "\r\n\r\n"...), frames, true
	}
	for in := bufio.NewReader(bytes.NewReader(rest)); ; {
		whole, err := readFrame(in)
		if err != nil {
			break
		}
		out = append(out, c.compressed(whole)...)
	}
	_, err := c.Conn.Write(out)
	return len(p), err
}

// compressed is a frame of one message, smaller or not.
func (c *deflatingConn) compressed(whole []byte) []byte {
	op := frame.Opcode(whole[0] & 15)
	if !op.IsData() {
		return whole
	}
	var payload []byte
	for _, size := range []int{2, 4, 10} { // the header whose length fits
		if n := len(whole) - size; n >= 0 && frame.HeaderBytes(n) == size {
			payload = whole[size:]
		}
	}
	c.sink.Reset()
	if !c.takeover {
		c.writer.Reset(&c.sink)
	}
	_, _ = c.writer.Write(payload)
	_ = c.writer.Flush()
	body := strings.TrimSuffix(c.sink.String(), "\x00\x00\xff\xff")
	out := frame.AppendHeader(nil, true, op, len(body))
	out[0] |= 0x40
	return append(out, body...)
}
