package webhook

import (
	"encoding/json"
	"strconv"
)

// Occasion is what a backend is asked about. Which fields are sent depends on the event; empty ones are left out.
type Occasion struct {
	Node    string // the node's id
	Client  string // the client's id
	User    string // who the client is, if that is known
	Dialect string // wsedge.v1 or raw

	// Connect.
	Address string              // the client's IP address
	Token   string              // that the client came with
	Headers map[string][]string // of the handshake, by Config.Headers

	// Subscribe, Publish.
	Channel string
	Data    []byte // Publish: JSON, as the client wrote it
}

// Ended is a client that has gone.
type Ended struct {
	Client, User string
	Reason       string // one of the close codes' words: closed, or what the server found wrong
	Code         int    // close code
	Milliseconds int64  // that it was connected
}

// appendBody writes the request for one event.
func (o *Occasion) appendBody(dst []byte, e Event) []byte {
	dst = append(append(append(dst, `{"event":"`...), e.String()...), '"')
	dst = appendText(dst, "node", o.Node)
	dst = appendText(dst, "client", o.Client)
	dst = appendText(dst, "user", o.User)
	dst = appendText(dst, "dialect", o.Dialect)
	switch e {
	case Connect:
		dst = appendText(dst, "address", o.Address)
		dst = appendText(dst, "token", o.Token)
		if len(o.Headers) > 0 {
			headers, _ := json.Marshal(o.Headers) // strings can't fail
			dst = append(append(dst, `,"headers":`...), headers...)
		}
	case Publish:
		dst = appendText(dst, "channel", o.Channel)
		dst = append(append(dst, `,"data":`...), o.Data...)
	case Subscribe:
		dst = appendText(dst, "channel", o.Channel)
	case Disconnect:
	}
	return append(dst, '}')
}

// appendEnded writes the request that tells of clients that have gone.
func appendEnded(dst []byte, node string, ended []Ended) []byte {
	dst = appendText(append(dst, `{"event":"disconnect"`...), "node", node)
	dst = append(dst, `,"clients":[`...)
	for i := range ended {
		if i > 0 {
			dst = append(dst, ',')
		}
		e := &ended[i]
		dst = append(dst, `{"code":`...)
		dst = strconv.AppendInt(dst, int64(e.Code), 10)
		dst = appendText(dst, "reason", e.Reason)
		dst = appendText(dst, "client", e.Client)
		dst = appendText(dst, "user", e.User)
		dst = append(dst, `,"connected_ms":`...)
		dst = append(strconv.AppendInt(dst, e.Milliseconds, 10), '}')
	}
	return append(dst, "]}"...)
}

func appendText(dst []byte, key, value string) []byte {
	if value == "" {
		return dst
	}
	text, _ := json.Marshal(value) // a string can't fail
	return append(append(append(append(dst, `,"`...), key...), `":`...), text...)
}
