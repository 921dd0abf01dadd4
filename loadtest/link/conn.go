package link

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

const (
	// MaxBody bounds a message; longer things are cut up by who sends them.
	MaxBody = 64 << 10
	// handshakeTime bounds the way from an accepted connection to a peer that is known: some round trips, and 1 ms of CPU
	// time on each side.
	handshakeTime = 5 * time.Second
	// headBytes are a kind, a stream (2 bytes) and the length of the body (4).
	headBytes = 7
)

// Message is what a link carries. Kinds and streams mean nothing to it.
type Message struct {
	Kind   byte
	Stream uint16
	Body   []byte
}

// Conn is one link, with a peer that is known to hold the token.
type Conn struct {
	// Immutable.
	raw     *tls.Conn
	silence time.Duration

	// Owned by the goroutine that receives.
	in   *bufio.Reader
	body []byte

	// Guarded by mu.
	mu  sync.Mutex
	out []byte
}

// Dial connects a coordinator to the agent at an address. silence bounds each wait to receive and to send; 0 is no bound.
func Dial(ctx context.Context, address string, t *Token, silence time.Duration) (*Conn, error) {
	cfg, err := t.coordinatorConfig()
	if err != nil {
		return nil, err
	}
	dialer := net.Dialer{Timeout: handshakeTime}
	raw, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return newConn(ctx, tls.Client(raw, cfg), silence)
}

// Accept finds out who has connected to an agent. It takes ownership of raw: after an error that is closed.
func Accept(ctx context.Context, raw net.Conn, t *Token, silence time.Duration) (*Conn, error) {
	cfg, err := t.agentConfig()
	if err != nil {
		_ = raw.Close()
		return nil, err
	}
	return newConn(ctx, tls.Server(raw, cfg), silence)
}

func newConn(ctx context.Context, raw *tls.Conn, silence time.Duration) (*Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTime)
	defer cancel()
	if err := raw.HandshakeContext(ctx); err != nil {
		// Below TLS: an alert to a stranger that does not read would take time.
		_ = raw.NetConn().Close()
		return nil, err
	}
	return &Conn{raw: raw, silence: silence, in: bufio.NewReader(raw)}, nil
}

// RemoteAddr is the peer's.
func (c *Conn) RemoteAddr() net.Addr { return c.raw.RemoteAddr() }

// Close ends the link; who is receiving or sending gets an error.
func (c *Conn) Close() error { return c.raw.Close() }

// Send writes a message. It borrows body. After an error the link is of no more use. Safe from any goroutine.
func (c *Conn) Send(kind byte, stream uint16, body []byte) error {
	if len(body) > MaxBody {
		return fmt.Errorf("a message of %d bytes; at most %d are allowed", len(body), MaxBody)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out = append(c.out[:0], kind)
	c.out = binary.BigEndian.AppendUint16(c.out, stream)
	c.out = binary.BigEndian.AppendUint32(c.out, uint32(len(body)))
	c.out = append(c.out, body...)
	if c.silence > 0 {
		if err := c.raw.SetWriteDeadline(time.Now().Add(c.silence)); err != nil {
			return err
		}
	}
	_, err := c.raw.Write(c.out)
	return err
}

// Receive waits for the next message. Its body may be used until the next call.
func (c *Conn) Receive() (Message, error) {
	if c.silence > 0 {
		if err := c.raw.SetReadDeadline(time.Now().Add(c.silence)); err != nil {
			return Message{}, err
		}
	}
	var head [headBytes]byte
	if _, err := io.ReadFull(c.in, head[:]); err != nil {
		return Message{}, err
	}
	m := Message{Kind: head[0], Stream: binary.BigEndian.Uint16(head[1:])}
	length := binary.BigEndian.Uint32(head[3:])
	if length > MaxBody {
		return Message{}, fmt.Errorf("a message of %d bytes; at most %d are allowed", length, MaxBody)
	}
	if int(length) > cap(c.body) {
		c.body = make([]byte, length)
	}
	m.Body = c.body[:length]
	if _, err := io.ReadFull(c.in, m.Body); err != nil {
		return Message{}, fmt.Errorf("in the midst of a message: %w", err)
	}
	return m, nil
}
