package native

import (
	"encoding/json"
	"strconv"

	"github.com/wsedge/wsedge/internal/broker"
)

// Every string that the functions below write between quotes is one of ours, but for users, and needs no escape: channels by their grammar,
// ids of clients and nodes, epochs, codes and messages by their making.

// Welcome is what a client learns when it is let in.
type Welcome struct {
	Client string // the client's id
	Node   string // the node's id
	Ping   int    // seconds between the server's WebSocket pings; 0 when there are none
	User   string // who the client is, by its token or a backend, any UTF-8; empty for nobody
	// ExpiresIn is in how many seconds the token expires; 0 where there is none, or it has.
	ExpiresIn int64
	// Ticket is the first resume ticket of a client that wants them; empty for none.
	Ticket string
	// Channels are those that a ticket has brought back, for each of which an answer follows; nil where there was none.
	Channels []string
}

// AppendWelcome appends the answer to connect, or the greeting nobody asked for (id nil).
func AppendWelcome(dst, id []byte, w Welcome) []byte {
	dst = appendHead(dst, "welcome", id)
	dst = appendString(dst, "client", w.Client)
	if w.User != "" {
		dst = appendQuoted(dst, "user", w.User)
	}
	dst = appendUint(dst, "ping", uint64(w.Ping))
	dst = appendString(dst, "node", w.Node)
	dst = appendExpiry(dst, w.ExpiresIn)
	if w.Ticket != "" {
		dst = appendString(dst, "ticket", w.Ticket)
	}
	return append(appendChannels(dst, w.Channels), '}')
}

// AppendRefreshed appends the answer to refresh: in how many seconds the new token expires.
func AppendRefreshed(dst, id []byte, expiresIn int64) []byte {
	return append(appendExpiry(appendHead(dst, "refreshed", id), expiresIn), '}')
}

func appendExpiry(dst []byte, seconds int64) []byte {
	if seconds <= 0 {
		return dst
	}
	return appendUint(dst, "expires_in", uint64(seconds))
}

// AppendLeft appends the notice that the server has ended a subscription, and why: one of the Code constants, or "expired".
func AppendLeft(dst []byte, channel, reason string) []byte {
	dst = appendHead(dst, "unsubscribed", nil)
	dst = appendString(dst, "channel", channel)
	return append(appendString(dst, "reason", reason), '}')
}

// Subscribed is the answer to a subscribe.
type Subscribed struct {
	Channel   string
	Position  broker.Position
	Asked     bool // the client wanted to recover
	Recovered bool // and misses nothing
	// Acked is up to where its user has acknowledged; nil where nothing is kept of that.
	Acked *uint64
}

// AppendSubscribed appends the answer to subscribe.
func AppendSubscribed(dst, id []byte, s Subscribed) []byte {
	dst = appendHead(dst, "subscribed", id)
	dst = appendString(dst, "channel", s.Channel)
	dst = appendString(dst, "epoch", s.Position.Epoch)
	dst = appendUint(dst, "offset", s.Position.Offset)
	if s.Asked {
		dst = append(dst, `,"recovered":`...)
		dst = strconv.AppendBool(dst, s.Recovered)
	}
	if s.Acked != nil {
		dst = appendUint(dst, "acked", *s.Acked)
	}
	return append(dst, '}')
}

// AppendUnsubscribed appends the answer to unsubscribe.
func AppendUnsubscribed(dst, id []byte, channel string) []byte {
	dst = appendHead(dst, "unsubscribed", id)
	dst = appendString(dst, "channel", channel)
	return append(dst, '}')
}

// AppendPublished appends the answer to publish.
func AppendPublished(dst, id []byte, channel string, offset uint64) []byte {
	dst = appendHead(dst, "published", id)
	dst = appendString(dst, "channel", channel)
	dst = appendUint(dst, "offset", offset)
	return append(dst, '}')
}

// AppendPong appends the answer to ping.
func AppendPong(dst, id []byte) []byte {
	return append(appendHead(dst, "pong", id), '}')
}

// AppendError appends what went wrong, with the channel it is about unless that is empty.
func AppendError(dst, id []byte, channel string, e *Error) []byte {
	dst = appendHead(dst, "error", id)
	if channel != "" {
		dst = appendString(dst, "channel", channel)
	}
	dst = appendString(dst, "code", e.Code)
	dst = appendString(dst, "message", e.Message)
	return append(dst, '}')
}

// AppendDisconnect appends the announcement of a close frame with the code. Where retryAfter, in milliseconds, is negative
// there is no hint, because the client should not come back.
func AppendDisconnect(dst []byte, code uint16, reason string, retryAfter int) []byte {
	dst = appendHead(dst, "disconnect", nil)
	dst = appendUint(dst, "code", uint64(code))
	dst = appendString(dst, "reason", reason)
	if retryAfter >= 0 {
		dst = appendUint(dst, "retry_after_ms", uint64(retryAfter))
	}
	return append(dst, '}')
}

func appendHead(dst []byte, kind string, id []byte) []byte {
	dst = append(dst, `{"type":"`...)
	dst = append(dst, kind...)
	dst = append(dst, '"')
	if id != nil {
		dst = append(dst, `,"id":`...)
		dst = append(dst, id...)
	}
	return dst
}

func appendString(dst []byte, key, value string) []byte {
	dst = append(dst, `,"`...)
	dst = append(dst, key...)
	dst = append(dst, `":"`...)
	dst = append(dst, value...)
	return append(dst, '"')
}

// appendQuoted is appendString for what somebody else has made.
func appendQuoted(dst []byte, key, value string) []byte {
	quoted, _ := json.Marshal(value) // a string can't fail
	dst = append(append(append(dst, `,"`...), key...), `":`...)
	return append(dst, quoted...)
}

func appendUint(dst []byte, key string, value uint64) []byte {
	dst = append(dst, `,"`...)
	dst = append(dst, key...)
	dst = append(dst, `":`...)
	return strconv.AppendUint(dst, value, 10)
}
