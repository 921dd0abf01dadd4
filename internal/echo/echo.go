package echo

import (
	"errors"
	"log/slog"
	"time"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/reactor"
)

// DefaultMaxMessageBytes is the longest message sent back, 16 MiB: as much as conformance suites ask for.
const DefaultMaxMessageBytes = 16 << 20

// Config says where to listen and what to allow.
type Config struct {
	// Addr is the TCP address to listen on, "host:port". Required.
	Addr string
	// MaxMessageBytes bounds a message. Default DefaultMaxMessageBytes.
	MaxMessageBytes int64
	// OutboundMaxBytes bounds what waits for a client that does not read; above it the client is closed. One message may
	// exceed it. Default 1 MiB.
	OutboundMaxBytes int64
	// NoDeflate ignores offers of permessage-deflate.
	NoDeflate bool
	// DeflateTakeover lets compressed messages refer to earlier ones.
	DeflateTakeover bool
	// TLS has the server speak TLS on its port. nil: plain text.
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
	case cfg.NoDeflate && cfg.DeflateTakeover:
		return nil, errors.New("echo: context takeover needs compression")
	case !cfg.NoDeflate:
		deflate = &reactor.DeflateOptions{Takeover: cfg.DeflateTakeover}
	}
	return reactor.Listen(reactor.Config{
		Addr: cfg.Addr, Handler: handler{}, Origins: []string{"*"},
		MaxMessageBytes: cfg.MaxMessageBytes, MaxFragments: -1, MaxFrameRate: -1, MaxControlRate: -1,
		OutboundMaxBytes: cfg.OutboundMaxBytes, MessageTimeout: 2 * time.Minute, Deflate: deflate,
		TLS: cfg.TLS, Logger: cfg.Logger,
	})
}

type handler struct{}

func (handler) OnOpen(*reactor.Conn) {}

// OnMessage sends the message back. The conn ends by itself where its client does not read: the error has no other reader.
func (handler) OnMessage(c *reactor.Conn, op frame.Opcode, payload []byte) { _ = c.Send(op, payload) }

func (handler) OnClose(*reactor.Conn, reactor.End) {}
