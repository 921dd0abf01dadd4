package echo

import (
	"errors"
	"io/fs"
	"log/slog"
	"time"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/reactor"
)

// DefaultMaxMessageBytes is the longest message sent back, 16 MiB: as much as conformance suites ask for.
const DefaultMaxMessageBytes = 16 << 20

// Config says where to listen and what to allow.
type Config struct {
	// Addr is the TCP address to listen on, "host:port", or "unix:" and the path of a Unix socket. Required.
	Addr string
	// SocketMode is that of a Unix socket's file. Default 0o660.
	SocketMode fs.FileMode
	// ProxyProtocol and TrustedProxies name proxies: see reactor.Config.
	ProxyProtocol, TrustedProxies reactor.Peers
	// Loops is the number of event loops: see reactor.Config.
	Loops int
	// MaxMessageBytes bounds a message. Default DefaultMaxMessageBytes.
	MaxMessageBytes int64
	// OutboundMaxBytes bounds what waits for a client that does not read; above it the client is closed. One message may
	// exceed it. Default 1 MiB.
	OutboundMaxBytes int64
	// OutboundMaxAge bounds how long anything may wait for such a client. Default 10 s.
	OutboundMaxAge time.Duration
	// NoDeflate ignores offers of permessage-deflate.
	NoDeflate bool
	// DeflateTakeover lets compressed messages refer to earlier ones.
	DeflateTakeover bool
	// TLS has the server speak TLS, and wss. nil: plain text.
	TLS *reactor.TLSOptions
	// Logger gets what an operator must know. Default slog.Default().
	Logger *slog.Logger
}

// Listen binds, starts the loops and returns.
func Listen(cfg Config) (*reactor.Server, error) {
	if cfg.MaxMessageBytes == 0 {
		cfg.MaxMessageBytes = DefaultMaxMessageBytes
	}
	var deflate *reactor.DeflateOptions
	switch {
	case cfg.Addr == "": // to the reactor it would mean no listener
		return nil, errors.New("echo: Addr: required")
	case cfg.NoDeflate && cfg.DeflateTakeover:
		return nil, errors.New("echo: context takeover needs compression")
	case !cfg.NoDeflate:
		deflate = &reactor.DeflateOptions{Takeover: cfg.DeflateTakeover}
	}
	return reactor.Listen(reactor.Config{
		Addr: cfg.Addr, TLS: cfg.TLS, Handler: handler{}, Origins: []string{"*"},
		SocketMode: cfg.SocketMode, ProxyProtocol: cfg.ProxyProtocol, TrustedProxies: cfg.TrustedProxies,
		Loops: cfg.Loops, MaxMessageBytes: cfg.MaxMessageBytes, MaxFragments: -1, MaxFrameRate: -1, MaxControlRate: -1,
		OutboundMaxBytes: cfg.OutboundMaxBytes, OutboundMaxAge: cfg.OutboundMaxAge, MessageTimeout: 2 * time.Minute, Deflate: deflate,
		Logger: cfg.Logger,
	})
}

type handler struct{}

func (handler) OnOpen(*reactor.Conn) {}

// OnMessage sends the message back. The conn ends by itself where its client does not read: the error has no other reader.
func (handler) OnMessage(c *reactor.Conn, op frame.Opcode, payload []byte) { _ = c.Send(op, payload) }

func (handler) OnClose(*reactor.Conn, reactor.End) {}
