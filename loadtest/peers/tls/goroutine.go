package main

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"net"
	"time"

	"github.com/wsedge/wsedge/frame"
)

const goroutineBuffer = 4 << 10

// serveGoroutines is what most Go servers do: a goroutine and a read buffer for each connection.
func serveGoroutines(listener net.Listener, config *tls.Config, deadline time.Duration) error {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer conn.Close()
			_ = converse(tls.Server(conn, config), deadline)
		}()
	}
}

// converse upgrades one connection, without net/http, and echoes until it ends.
func converse(conn *tls.Conn, deadline time.Duration) error {
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(deadline))
	if err := conn.Handshake(); err != nil {
		return err
	}
	buffer := make([]byte, goroutineBuffer)
	head, err := readHead(conn, buffer)
	if err != nil {
		return err
	}
	_, rest, _ := bytes.Cut(head, []byte("Sec-WebSocket-Key: "))
	key, _, _ := bytes.Cut(rest, []byte("\r\n"))
	if _, err := conn.Write(frame.AppendSwitchingProtocols(nil, key, "", "")); err != nil {
		return err
	}
	_ = conn.SetDeadline(time.Time{})
	return echoFrames(conn, buffer)
}

// readHead reads until the end of a request's head. Nothing comes behind it before the answer.
func readHead(conn net.Conn, buffer []byte) ([]byte, error) {
	n := 0
	for !bytes.HasSuffix(buffer[:n], []byte("\r\n\r\n")) {
		if n == len(buffer) {
			return nil, fmt.Errorf("a head of more than %d bytes", n)
		}
		k, err := conn.Read(buffer[n:])
		if err != nil {
			return nil, err
		}
		n += k
	}
	return buffer[:n], nil
}

func echoFrames(conn net.Conn, buffer []byte) error {
	cfg := frame.DecoderConfig{Role: frame.Server, MaxMessageBytes: 64 << 10}
	var decoder frame.Decoder
	var out []byte
	for {
		n, err := conn.Read(buffer)
		if err != nil {
			return err
		}
		out = out[:0]
		for in := buffer[:n]; len(in) > 0; {
			m, used, err := decoder.Next(&cfg, in)
			if err != nil {
				return err
			}
			in = in[used:]
			switch m.Opcode {
			case frame.OpText, frame.OpBinary:
				out = frame.AppendFrame(out, m.Opcode, m.Payload)
			case frame.OpPing:
				out = frame.AppendFrame(out, frame.OpPong, m.Payload)
			case frame.OpClose:
				return nil
			}
			m.Release()
		}
		if len(out) == 0 {
			continue
		}
		if _, err := conn.Write(out); err != nil {
			return err
		}
	}
}
