package reactor_test

import (
	"bufio"
	"log"
	"net"
	"net/http"

	"github.com/wsedge/wsedge/frame"
)

// browser is what is at the other end in the examples.
type browser struct {
	net.Conn
	in      *bufio.Reader
	config  frame.DecoderConfig
	decoder frame.Decoder
	read    []byte
}

// connect opens a WebSocket.
func connect(addr net.Addr, path string) *browser {
	conn, err := net.Dial(addr.Network(), addr.String())
	if err != nil {
		log.Fatal(err)
	}
	return upgrade(conn, path)
}

func upgrade(conn net.Conn, path string) *browser {
	key := frame.NewClientKey([16]byte{1, 2, 3})
	b := &browser{Conn: conn, in: bufio.NewReader(conn), config: frame.DecoderConfig{Role: frame.Client, MaxMessageBytes: 1 << 20}}
	if _, err := conn.Write(frame.AppendClientHandshake(nil, "localhost", path, key, "")); err != nil {
		log.Fatal(err)
	}
	resp, err := http.ReadResponse(b.in, nil)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		log.Fatal(resp, err)
	}
	return b
}

func (b *browser) say(text string) {
	if _, err := b.Write(frame.AppendMaskedFrame(nil, frame.OpText, []byte(text), [4]byte{1, 2, 3, 4})); err != nil {
		log.Fatal(err)
	}
}

// next is the next message or control frame.
func (b *browser) next() (frame.Opcode, []byte) {
	for {
		m, n, err := b.decoder.Next(&b.config, b.read)
		if err != nil {
			log.Fatal(err)
		}
		b.read = b.read[n:]
		if m.Opcode != frame.OpContinuation {
			defer m.Release()
			return m.Opcode, append([]byte(nil), m.Payload...)
		}
		chunk := make([]byte, 4096)
		if n, err = b.in.Read(chunk); err != nil {
			log.Fatal(err)
		}
		b.read = chunk[:n]
	}
}

// hears is the next message, or the code and reason of the close frame.
func (b *browser) hears() any {
	op, payload := b.next()
	switch op {
	case frame.OpClose:
		code, reason, err := frame.ParseClose(payload)
		if err != nil {
			log.Fatal(err)
		}
		return []any{code, string(reason)}
	case frame.OpPing:
		return "ping " + string(payload)
	default:
		return string(payload)
	}
}
