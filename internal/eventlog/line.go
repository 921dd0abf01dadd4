package eventlog

import (
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net"
	"strings"
	"time"
	"unicode"
)

// stream is one of the logs.
type stream int

const (
	pushes stream = iota
	accesses
	numStreams
)

var streamNames = [numStreams]string{"push log", "access log"}

// line is what is to be written: where, when, and what by.
type line struct {
	to   stream
	at   time.Time
	size int // bytes that it keeps
	entry
}

// entry is one of the kinds of lines.
type entry interface {
	// title is what every line of the kind begins with.
	title() string
	// attrs are its members. It is called by the writing goroutine.
	attrs() []slog.Attr
}

// Pushed is a publication, or the attempt at one.
type Pushed struct {
	Channel string
	// Key is the name of the API key with which it came, and Client and User who published it, if a client did.
	Key, Client, User string
	Data              []byte
	Offset            uint64
	Epoch             string
	Matched           int
	Repeated          bool   // the idempotency key was known, and nothing was published
	Error             string // the dialect's word; "": it was published
}

// pushLine is a Pushed with what shall be told of its data.
type pushLine struct {
	Pushed
	bytes int
	every int
	data  Data
}

func (*pushLine) title() string { return "push" }

func (p *pushLine) attrs() []slog.Attr {
	list := []slog.Attr{slog.String("channel", plain(short(p.Channel)))}
	list = text(list, "key", p.Key)
	list = text(list, "client", p.Client)
	list = text(list, "user", p.User)
	if p.Error != "" {
		list = append(list, slog.String("error", p.Error))
	} else {
		list = append(list, slog.Uint64("offset", p.Offset), slog.String("epoch", p.Epoch), slog.Int("matched", p.Matched))
	}
	if p.Repeated {
		list = append(list, slog.Bool("repeated", true))
	}
	if p.data != DataNone {
		list = append(list, slog.Int("bytes", p.bytes))
	}
	switch p.data {
	case DataHash:
		sum := sha256.Sum256(p.Data)
		list = append(list, slog.String("sha256", hex.EncodeToString(sum[:8])))
	case DataHead:
		list = append(list, slog.String("head", plain(strings.ToValidUTF8(string(p.Data), "\uFFFD"))))
	}
	if p.every > 1 && p.Error == "" {
		list = append(list, slog.Int("every", p.every))
	}
	return list
}

// Handshake is one that was accepted, or refused.
type Handshake struct {
	Address net.Addr
	Status  int    // 101: accepted
	Reason  string // for which it was refused
	Client  string // its id; "" where it was refused
	Dialect string // likewise
}

type handshakeLine struct {
	Handshake
	address string
}

func (*handshakeLine) title() string { return "handshake" }

func (h *handshakeLine) attrs() []slog.Attr {
	list := text(nil, "address", h.address)
	list = append(list, slog.Int("status", h.Status))
	list = text(list, "reason", h.Reason)
	list = text(list, "client", h.Client)
	return text(list, "dialect", h.Dialect)
}

// Request is one to the API. What it asked for, and with which key, is not in it.
type Request struct {
	Address      net.Addr
	Method, Path string
	Key          string // the name of the key; "" without a good one
	Status       int
	In, Out      int64 // bytes of the bodies; In is negative where it is unknown
	Took         time.Duration
}

type requestLine struct {
	Request
	address string
}

func (*requestLine) title() string { return "request" }

func (r *requestLine) attrs() []slog.Attr {
	list := text(nil, "address", r.address)
	list = append(list, slog.String("method", plain(r.Method)), slog.String("path", plain(r.Path)), slog.Int("status", r.Status))
	list = text(list, "key", r.Key)
	if r.In >= 0 {
		list = append(list, slog.Int64("in", r.In))
	}
	return append(list, slog.Int64("out", r.Out), milliseconds(r.Took))
}

// Closed is the end of a connection.
type Closed struct {
	Address      net.Addr
	Client, User string
	Code         int
	Reason       string // the client's where it is the one to close
	Remote       bool
	Lasted       time.Duration // 0: nobody knows
}

type closedLine struct {
	Closed
	address string
}

func (*closedLine) title() string { return "close" }

func (c *closedLine) attrs() []slog.Attr {
	list := text(nil, "address", c.address)
	list = text(append(list, slog.String("client", c.Client)), "user", c.User)
	list = text(append(list, slog.Int("code", c.Code)), "reason", c.Reason)
	list = append(list, slog.Bool("by_client", c.Remote))
	if c.Lasted == 0 {
		return list
	}
	return append(list, milliseconds(c.Lasted))
}

// milliseconds is a duration as lines have it: to the microsecond.
func milliseconds(d time.Duration) slog.Attr {
	return slog.Float64("duration_ms", float64(d.Microseconds())/1000)
}

// text adds a member, if there is anything in it.
func text(list []slog.Attr, name, value string) []slog.Attr {
	if value == "" {
		return list
	}
	return append(list, slog.String(name, plain(short(value))))
}

// plain replaces what terminals may obey, or show in another order, although JSON has it as it is: control characters beyond ASCII's, and
// those that turn the direction of writing.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 0x7f && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) {
			return '\uFFFD'
		}
		return r
	}, s)
}

// maxTextBytes bounds what others have written.
const maxTextBytes = 255

func short(s string) string {
	if len(s) <= maxTextBytes {
		return s
	}
	return strings.ToValidUTF8(s[:maxTextBytes], "") + "…"
}
