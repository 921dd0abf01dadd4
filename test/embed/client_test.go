package embed

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/wsedge/wsedge/frame"
)

// patience bounds what must come; a test that passes never waits for it.
const patience = 60 * time.Second

// client is a WebSocket client of the program.
type client struct {
	t *testing.T
	net.Conn
	in      *bufio.Reader
	config  frame.DecoderConfig
	decoder frame.Decoder
}

func dial(t *testing.T, addr, path string) *client {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	key := frame.NewClientKey([16]byte{1, 2, 3})
	c := &client{t: t, Conn: conn, in: bufio.NewReader(conn), config: frame.DecoderConfig{Role: frame.Client, MaxMessageBytes: 1 << 20}}
	c.write(frame.AppendClientHandshake(nil, "localhost", path, key, ""))
	resp, err := http.ReadResponse(c.in, nil)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatal(resp, err)
	}
	return c
}

func (c *client) write(b []byte) {
	c.t.Helper()
	if _, err := c.Write(b); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) say(text string) {
	c.t.Helper()
	c.write(frame.AppendMaskedFrame(nil, frame.OpText, []byte(text), [4]byte{1, 2, 3, 4}))
}

// want reads one text. It asks for a byte at a time, so that nothing of the next is taken.
func (c *client) want(text string) {
	c.t.Helper()
	for {
		b, err := c.in.ReadByte()
		if err != nil {
			c.t.Fatal(err)
		}
		m, _, err := c.decoder.Next(&c.config, []byte{b})
		if err != nil {
			c.t.Fatal(err)
		}
		if m.Opcode != frame.OpContinuation {
			if got := fmt.Sprintf("%v %s", m.Opcode, m.Payload); got != fmt.Sprintf("%v %s", frame.OpText, text) {
				c.t.Fatalf("got %s, want %s", got, text)
			}
			m.Release()
			return
		}
	}
}
