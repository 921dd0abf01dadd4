package reactor

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/wsedge/wsedge/frame"
)

const plainOffer = "permessage-deflate; client_max_window_bits"

// dialDeflate opens a WebSocket with an offer and wants that answer to it; "" for none.
func dialDeflate(t testing.TB, s *Server, path, offer, want string) *client {
	t.Helper()
	c := connect(t, s)
	c.write(frame.AppendClientHandshake(nil, "example.org", path, clientKey, "Sec-WebSocket-Extensions: "+offer+"\r\n"))
	head := string(c.head())
	answer := ""
	if _, rest, ok := strings.Cut(head, "\r\nSec-WebSocket-Extensions: "); ok {
		answer, _, _ = strings.Cut(rest, "\r\n")
	}
	if !strings.HasPrefix(head, "HTTP/1.1 101 ") || answer != want {
		t.Fatalf("offer %q: got %q, want extension %q", offer, head, want)
	}
	if answer != "" {
		c.cfg.Inflater = frame.NewInflater()
	}
	return c
}

const noTakeover = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

// frameBytes reads one frame as it is on the wire.
func (c *client) frameBytes() []byte {
	c.t.Helper()
	header := make([]byte, 2, 10)
	if len(c.buf) > 0 {
		c.t.Fatal("bytes have been read already")
	}
	if _, err := io.ReadFull(c.r, header); err != nil {
		c.t.Fatal(err)
	}
	length := int(header[1])
	switch length {
	case 126:
		header = header[:4]
		_, _ = io.ReadFull(c.r, header[2:])
		length = int(binary.BigEndian.Uint16(header[2:]))
	case 127:
		header = header[:10]
		_, _ = io.ReadFull(c.r, header[2:])
		length = int(binary.BigEndian.Uint64(header[2:]))
	}
	b := append(header, make([]byte, length)...)
	if _, err := io.ReadFull(c.r, b[len(header):]); err != nil {
		c.t.Fatal(err)
	}
	return b
}

// wantCompressed reads one frame of that text, compressed or not, and returns its wire bytes.
func (c *client) wantCompressed(compressed bool, text string) []byte {
	c.t.Helper()
	b := c.frameBytes()
	if got := b[0]&0x40 != 0; got != compressed {
		c.t.Fatalf("compressed: %v, want %v", got, compressed)
	}
	m, _, err := c.decoder.Next(&c.cfg, bytes.Clone(b))
	if err != nil || string(m.Payload) != text {
		c.t.Fatalf("%v, %d bytes; want %d", err, len(m.Payload), len(text))
	}
	m.Release()
	return b
}

// compressible is n bytes of text.
func compressible(n int) string {
	return strings.Repeat("the quick brown fox jumps over the lazy dog; ", n/45+1)[:n]
}

func TestDeflateEcho(t *testing.T) {
	s := serve(t, Config{Handler: echo, Deflate: &DeflateOptions{}})
	c := dialDeflate(t, s, "/", plainOffer, noTakeover)
	d := frame.NewDeflater(frame.MaxWindowBits, 1)
	for _, size := range []int{0, 1, 511, 512, 513, 20_000, 65_536} {
		text := compressible(size)
		c.text(text)
		c.wantCompressed(size >= 512, text)
		b, compressed := d.AppendFrame(nil, frame.OpText, []byte(text), nil)
		if compressed {
			c.write(asClient(b))
			c.wantCompressed(size >= 512, text)
		}
	}
}

// asClient masks a frame of less than 65,536 bytes that was built for a client.
func asClient(b []byte) []byte {
	header := 2
	if b[1] == 126 {
		header = 4
	}
	out := append([]byte{b[0], b[1] | 0x80}, b[2:header]...)
	out = append(out, 0, 0, 0, 0) // a masking key of zeros changes nothing
	return append(out, b[header:]...)
}

func TestDeflateNotAskedForOrNotWanted(t *testing.T) {
	text := compressible(2000)
	off := serve(t, Config{Handler: echo})
	c := dialDeflate(t, off, "/", plainOffer, "")
	c.text(text)
	c.wantCompressed(false, text)

	one := serve(t, Config{Handler: echo, Deflate: &DeflateOptions{}, Upgrade: func(*Conn, *frame.Request) (Accept, error) {
		return Accept{NoDeflate: true}, nil
	}})
	c = dialDeflate(t, one, "/", plainOffer, "")
	c.text(text)
	c.wantCompressed(false, text)

	s := serve(t, Config{Handler: echo, Deflate: &DeflateOptions{}})
	c = dial(t, s, "/")
	c.text(text)
	c.wantCompressed(false, text)
	c.write([]byte{0xC1, 0x81, 0, 0, 0, 0, 0}) // compressed, though nothing was negotiated
	c.wantClose(frame.CloseProtocolError, "reserved_bits")
}

func TestBombEndsAtTheLimit(t *testing.T) {
	s := serve(t, Config{Handler: echo, Deflate: &DeflateOptions{}, MaxMessageBytes: 100_000})
	d := frame.NewDeflater(frame.MaxWindowBits, 1)
	for _, size := range []int{100_000, 100_001, 10_000_000} {
		c := dialDeflate(t, s, "/", plainOffer, noTakeover)
		b, _ := d.AppendFrame(nil, frame.OpText, []byte(compressible(size)), nil)
		c.write(asClient(b))
		if size > 100_000 {
			c.wantClose(frame.CloseMessageTooBig, "message_too_big")
		} else {
			c.wantCompressed(true, compressible(size))
		}
	}
}

// TestBroadcastIsCompressedOncePerClass: conns of one class get the same bytes, and no window is larger than agreed.
func TestBroadcastIsCompressedOncePerClass(t *testing.T) {
	s, topic, _ := onTopic(t, Config{Deflate: &DeflateOptions{}}, TopicOptions{})
	var clients []*client
	dialReadyDeflate := func(offer, answer string) {
		c := dialDeflate(t, s, "/", offer, answer)
		c.wantText("ready")
		clients = append(clients, c)
	}
	dialReadyDeflate("none", "")
	for bits := frame.MinWindowBits; bits <= frame.MaxWindowBits; bits++ {
		parameter := fmt.Sprintf("; server_max_window_bits=%d", bits)
		dialReadyDeflate("permessage-deflate"+parameter, noTakeover+parameter)
		dialReadyDeflate("permessage-deflate"+parameter, noTakeover+parameter)
	}
	// What stands 3,000 bytes back is out of reach for the small windows.
	long := compressible(10) + strings.Repeat("x", 3000) + compressible(10) + randomText(3000)
	for _, text := range []string{long, "small", compressible(511), compressible(512)} {
		if _, err := topic.Broadcast(frame.OpText, []byte(text)); err != nil {
			t.Fatal(err)
		}
		different := map[string]bool{}
		for i, c := range clients {
			b := c.wantCompressed(i > 0 && len(text) >= 512, text)
			different[string(b)] = true
		}
		want := 1
		if text == long {
			want = 4
		}
		if len(text) >= 512 && len(different) < 2 || len(different) > 4 || len(text) < 512 && len(different) != want {
			t.Errorf("%d bytes: %d different encodings", len(text), len(different))
		}
	}
}

// randomText is n bytes in which nothing much comes twice, though its letters are few.
func randomText(n int) string {
	var b strings.Builder
	for i := uint32(1); b.Len() < n; i = i*1664525 + 1013904223 {
		fmt.Fprintf(&b, "%d ", i>>4)
	}
	return b.String()[:n]
}

// TestSeveralFramesOfOnePublication: each message of it is compressed by itself.
func TestSeveralFramesOfOnePublication(t *testing.T) {
	s, topic, _ := onTopic(t, Config{Deflate: &DeflateOptions{}}, TopicOptions{})
	c := dialDeflate(t, s, "/", plainOffer, noTakeover)
	c.wantText("ready")
	if _, err := topic.Publish(Publication{Encoder: several{compressible(600), "short", compressible(700)}}); err != nil {
		t.Fatal(err)
	}
	c.wantCompressed(true, compressible(600))
	c.wantCompressed(false, "short")
	c.wantCompressed(true, compressible(700))
}

type several []string

func (s several) AppendForm(dst []byte, _ Form) []byte {
	for _, text := range s {
		dst = frame.AppendFrame(dst, frame.OpText, []byte(text))
	}
	return dst
}

const bothTakeOver = "permessage-deflate; client_max_window_bits=12"

func TestContextTakeover(t *testing.T) {
	s := serve(t, Config{Handler: echo, Deflate: &DeflateOptions{Takeover: true, MinBytes: 100}})
	c := dialDeflate(t, s, "/", plainOffer, bothTakeOver)
	c.cfg.Window = frame.NewWindow(12)
	d := frame.NewDeflater(12, 1)
	window := frame.NewWindow(12)
	first, rest := 0, 0
	for i := range 1000 {
		text := fmt.Sprint(i, randomText(400))
		b, _ := d.AppendFrame(nil, frame.OpText, []byte(text), window)
		c.write(asClient(b))
		size := len(c.wantCompressed(true, text))
		if i == 0 {
			first = size
		} else {
			rest = max(rest, size)
		}
	}
	if rest > first/4 {
		t.Errorf("first message in %d bytes, one of the others in %d", first, rest)
	}
}

// TestTakeoverBesideBroadcasts: what is broadcast enters the peer's window, but not ours.
func TestTakeoverBesideBroadcasts(t *testing.T) {
	s, topic, opened := onTopic(t, Config{Deflate: &DeflateOptions{Takeover: true, MinBytes: 100}}, TopicOptions{})
	c := dialDeflate(t, s, "/", plainOffer, bothTakeOver)
	c.cfg.Window = frame.NewWindow(15)
	c.wantText("ready")
	conn := opened.take(t)
	send := func(text string) {
		onLoop(t, conn, func(c *Conn) { _ = c.Send(frame.OpText, []byte(text)) })
		c.wantCompressed(true, text)
	}
	sizes := func(step string, want func(a, b int) bool) {
		t.Helper()
		text := step + randomText(1000)
		onLoop(t, conn, func(c *Conn) { _ = c.Send(frame.OpText, []byte(text)) })
		a := len(c.wantCompressed(true, text))
		onLoop(t, conn, func(c *Conn) { _ = c.Send(frame.OpText, []byte(text)) })
		if b := len(c.wantCompressed(true, text)); !want(a, b) {
			t.Errorf("%s: %d bytes, then %d", step, a, b)
		}
	}
	alone := func(a, b int) bool { return a == b }
	shrinks := func(a, b int) bool { return b < a/4 }
	for i := range 20 {
		sizes("subscribed", alone)
		if _, err := topic.Broadcast(frame.OpText, []byte(fmt.Sprint(i, randomText(2000)))); err != nil {
			t.Fatal(err)
		}
		c.wantCompressed(true, fmt.Sprint(i, randomText(2000)))
		onLoop(t, conn, func(c *Conn) { c.Unsubscribe(topic) })
		sizes("not subscribed", shrinks)
		send(randomText(700))
		onLoop(t, conn, func(c *Conn) { _ = c.Subscribe(topic) })
	}
}

func TestTakeoverIsBounded(t *testing.T) {
	s := serve(t, Config{Handler: echo, Loops: 1, Deflate: &DeflateOptions{Takeover: true, TakeoverMaxConns: 2}})
	a := dialDeflate(t, s, "/", plainOffer, bothTakeOver)
	dialDeflate(t, s, "/", "permessage-deflate", "permessage-deflate")
	dialDeflate(t, s, "/", plainOffer, noTakeover)
	a.send(frame.OpClose, "")
	a.want(frame.OpClose, "")
	a.wantEOF()
	a.Close()
	eventually(t, "windows given back", func() bool { return s.takeovers.Load() == 1 })
	dialDeflate(t, s, "/", plainOffer, bothTakeOver)
}

func TestTakeoverOneWay(t *testing.T) {
	s := serve(t, Config{Handler: echo, Deflate: &DeflateOptions{Takeover: true}})
	for _, c := range []struct{ offer, answer string }{
		{"permessage-deflate; server_no_context_takeover", "permessage-deflate; server_no_context_takeover"},
		{"permessage-deflate; client_no_context_takeover", "permessage-deflate; client_no_context_takeover"},
	} {
		client := dialDeflate(t, s, "/", c.offer, c.answer)
		client.cfg.Window = frame.NewWindow(15)
		for range 3 {
			client.text(compressible(3000))
			client.wantCompressed(true, compressible(3000))
		}
	}
}

// TestPingInsideACompressedMessage: control frames are never compressed and never wait.
func TestPingInsideACompressedMessage(t *testing.T) {
	s := serve(t, Config{Handler: echo, Deflate: &DeflateOptions{}})
	text := compressible(100) + randomText(600) + strings.Repeat(randomText(90), 9)
	c := dialDeflate(t, s, "/", plainOffer, noTakeover)
	b, compressed := frame.NewDeflater(15, 1).AppendFrame(nil, frame.OpText, []byte(text), nil)
	if !compressed || b[1] != 126 {
		t.Fatalf("compressed %v, header % x", compressed, b[:4])
	}
	body := b[4:]
	half := len(body) / 2
	c.write(asClient(append([]byte{0x41, 126, byte(half >> 8), byte(half)}, body[:half]...)))
	c.send(frame.OpPing, "now")
	c.want(frame.OpPong, "now")
	rest := len(body) - half
	c.write(asClient(append([]byte{0x80, 126, byte(rest >> 8), byte(rest)}, body[half:]...)))
	c.wantText(text)
}

func TestDeflateOptionsAreChecked(t *testing.T) {
	_, err := New(Config{Addr: ":0", Handler: echo, Deflate: &DeflateOptions{MinBytes: -1, Level: 10, WindowBits: 8, TakeoverMaxConns: -1}})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, field := range []string{"MinBytes", "Level", "WindowBits", "TakeoverMaxConns"} {
		if !strings.Contains(err.Error(), "Deflate."+field) {
			t.Errorf("%s is not named: %v", field, err)
		}
	}
}
