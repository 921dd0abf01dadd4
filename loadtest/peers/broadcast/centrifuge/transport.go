package main

import (
	"encoding/binary"
	"sync"
	"time"

	"github.com/centrifugal/centrifuge"
	"github.com/gorilla/websocket"
)

// transport writes what the library has encoded, each as a WebSocket message of its own. The library's own handler joins what
// waits into one message, with line breaks between; wsload wants each apart, so here the frames are joined: as few system calls.
type transport struct{ conn *websocket.Conn }

// frames are buffers that writes borrow.
var frames = sync.Pool{New: func() any { return new([]byte) }}

// Write sends one message.
func (t *transport) Write(message []byte) error { return t.WriteMany(message) }

// WriteMany sends messages with one system call, past gorilla, which cannot join frames.
func (t *transport) WriteMany(messages ...[]byte) error {
	buffer := frames.Get().(*[]byte)
	defer frames.Put(buffer)
	out := (*buffer)[:0]
	for _, message := range messages {
		out = appendHeader(out, len(message))
		out = append(out, message...)
	}
	*buffer = out
	conn := t.conn.NetConn()
	_ = conn.SetWriteDeadline(time.Now().Add(writeWait)) // as the library's own handler does
	_, err := conn.Write(out)
	return err
}

// appendHeader writes the header of an unmasked text frame (RFC 6455, section 5.2).
func appendHeader(dst []byte, size int) []byte {
	switch {
	case size < 126:
		return append(dst, 0x81, byte(size))
	case size < 1<<16:
		return binary.BigEndian.AppendUint16(append(dst, 0x81, 126), uint16(size))
	default:
		return binary.BigEndian.AppendUint64(append(dst, 0x81, 127), uint64(size))
	}
}

// Close ends the connection.
func (t *transport) Close(centrifuge.Disconnect) error { return t.conn.Close() }

// Name is for the library's metrics.
func (t *transport) Name() string { return "websocket" }

// AcceptProtocol is for the library's metrics.
func (t *transport) AcceptProtocol() string { return "h1" }

// Protocol is what publications are encoded as.
func (t *transport) Protocol() centrifuge.ProtocolType { return centrifuge.ProtocolTypeJSON }

// ProtocolVersion is the only one.
func (t *transport) ProtocolVersion() centrifuge.ProtocolVersion { return centrifuge.ProtocolVersion2 }

// Unidirectional says that clients send no commands.
func (t *transport) Unidirectional() bool { return true }

// Emulation is for transports over HTTP.
func (t *transport) Emulation() bool { return false }

// DisabledPushFlags leaves out what a closing socket says by itself.
func (t *transport) DisabledPushFlags() uint64 { return centrifuge.PushFlagDisconnect }

// PingPongConfig is the default: a ping every 25 s, in a message of the library's protocol, which such a client does not answer.
func (t *transport) PingPongConfig() centrifuge.PingPongConfig { return centrifuge.PingPongConfig{} }
