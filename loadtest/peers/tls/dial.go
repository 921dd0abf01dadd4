package main

import (
	"crypto/tls"
	"flag"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/wsedge/wsedge/frame"
)

// target is the server, and how to speak to it. Immutable once its flags are parsed.
type target struct {
	addr, admin string
	plain       bool
	config      *tls.Config
	x25519      bool
	tls12       bool
	resume      bool
}

// dialTimeout bounds the whole of a dial, handshake and upgrade.
const dialTimeout = 20 * time.Second

func targetFlags(flags *flag.FlagSet) *target {
	t := new(target)
	flags.StringVar(&t.addr, "addr", "127.0.0.1:18443", "the server's `address`")
	flags.StringVar(&t.admin, "admin", "127.0.0.1:18444", "its admin `address`")
	flags.BoolVar(&t.plain, "plain", false, "speak no TLS")
	flags.BoolVar(&t.x25519, "x25519", false, "offer X25519 alone, not X25519MLKEM768")
	flags.BoolVar(&t.tls12, "tls12", false, "offer TLS 1.2 alone, as the clients do that need it")
	flags.BoolVar(&t.resume, "resume", false, "resume sessions")
	return t
}

func (t *target) parse(flags *flag.FlagSet, args []string) {
	flags.Parse(args)
	t.config = &tls.Config{InsecureSkipVerify: true, ServerName: "localhost"}
	if t.x25519 {
		t.config.CurvePreferences = []tls.CurveID{tls.X25519}
	}
	if t.tls12 {
		t.config.MaxVersion = tls.VersionTLS12
	}
	if t.resume {
		t.config.ClientSessionCache = tls.NewLRUClientSessionCache(16)
	}
}

// sources gives each connection one of 200 loopback addresses, so that ports don't run out.
var sources atomic.Uint32

const (
	ipBindAddressNoPort = 24 // IP_BIND_ADDRESS_NO_PORT: the port is picked at connect, where it need not be unique
	sourceAddresses     = 200
)

// dialTCP connects.
func (t *target) dialTCP() (*net.TCPConn, error) {
	d := net.Dialer{
		Timeout:   dialTimeout,
		LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(1+sources.Add(1)%sourceAddresses))},
		Control: func(_, _ string, raw syscall.RawConn) error {
			var err error
			if e := raw.Control(func(fd uintptr) {
				err = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IP, ipBindAddressNoPort, 1)
			}); e != nil {
				return e
			}
			return err
		},
	}
	conn, err := d.Dial("tcp", t.addr)
	if err != nil {
		return nil, err
	}
	return conn.(*net.TCPConn), nil
}

var webSocketKey = frame.NewClientKey([16]byte{1})

// dial connects, speaks TLS unless plain, and upgrades to a WebSocket.
func (t *target) dial() (net.Conn, error) {
	raw, err := t.dialTCP()
	if err != nil {
		return nil, err
	}
	conn := net.Conn(raw)
	if !t.plain {
		conn = t.client(raw)
	}
	_ = raw.SetDeadline(time.Now().Add(dialTimeout))
	ahead, err := upgrade(conn)
	if err != nil {
		raw.Close()
		return nil, err
	}
	if len(ahead) > 0 {
		conn = &early{conn, ahead}
	}
	return conn, raw.SetDeadline(time.Time{})
}

// client is the TLS side of a connection.
func (t *target) client(raw net.Conn) *tls.Conn { return tls.Client(raw, t.config) }

// upgrade makes a WebSocket of conn, and returns what came in one read behind the answer: a ping, maybe.
func upgrade(conn net.Conn) (ahead []byte, err error) {
	if _, err := conn.Write(frame.AppendClientHandshake(nil, "localhost", "/", webSocketKey, "")); err != nil {
		return nil, err
	}
	head, ahead, err := readHead(conn, make([]byte, goroutineBuffer))
	if err != nil {
		return nil, err
	}
	_, err = frame.CheckServerHandshake(head, webSocketKey)
	return ahead, err
}

// early is a connection of which some input has been read.
type early struct {
	net.Conn
	input []byte
}

func (e *early) Read(p []byte) (int, error) {
	if len(e.input) == 0 {
		return e.Conn.Read(p)
	}
	n := copy(p, e.input)
	e.input = e.input[n:]
	return n, nil
}

// dialAll opens n connections, some at a time. opened, if there is one, is told of each at once: the server may ping it long before
// the last is open.
func (t *target) dialAll(n int, opened func(net.Conn)) ([]net.Conn, error) {
	const atATime = 32
	conns := make([]net.Conn, n)
	var next atomic.Int64
	var failed atomic.Pointer[error]
	var workers sync.WaitGroup
	for range atATime {
		workers.Go(func() {
			for i := next.Add(1) - 1; i < int64(n) && failed.Load() == nil; i = next.Add(1) - 1 {
				conn, err := t.dial()
				if err != nil {
					failed.Store(&err)
					return
				}
				conns[i] = conn
				if opened != nil {
					opened(conn)
				}
			}
		})
	}
	workers.Wait()
	if err := failed.Load(); err != nil {
		return nil, *err
	}
	return conns, nil
}
