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
	head, _, err := readHead(conn, buffer) // the clients here wait for the answer
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

// readHead reads a request's or an answer's head, and what comes with it.
func readHead(conn net.Conn, buffer []byte) (head, behind []byte, err error) {
	end := []byte("\r\n\r\n")
	for n := 0; n < len(buffer); {
		k, err := conn.Read(buffer[n:])
		if err != nil {
			return nil, nil, err
		}
		n += k
		if i := bytes.Index(buffer[:n], end); i >= 0 {
			return buffer[:i+len(end)], buffer[i+len(end) : n], nil
		}
	}
	return nil, nil, fmt.Errorf("a head of more than %d bytes", len(buffer))
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
