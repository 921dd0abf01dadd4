package frame

import "strconv"

// Window sizes of permessage-deflate are named by their logarithm to base 2 (RFC 7692, section 7.1.2). One of 256 bytes,
// 8, is legal, but the usual library cannot make it: an offer of it is declined, as most servers do.
const (
	MinWindowBits = 9
	MaxWindowBits = 15
)

// Deflate is what both sides have agreed on about permessage-deflate (RFC 7692, section 7.1). The zero value: nothing.
type Deflate struct {
	// ServerWindowBits bounds the window of what the server compresses: 9 to 15; 0: the extension is not in use.
	ServerWindowBits uint8
	// ClientWindowBits bounds the window of what the client compresses: 9 to 15.
	ClientWindowBits uint8
	// ServerTakeover: the server may refer to its earlier messages.
	ServerTakeover bool
	// ClientTakeover: the client may refer to its earlier messages.
	ClientTakeover bool

	tellServerWindow, tellClientWindow bool // the answer names them
}

// DeflatePolicy is what a server wants of permessage-deflate. The zero value does without context takeover.
type DeflatePolicy struct {
	// Takeover lets both sides refer to earlier messages, if the client is willing to.
	Takeover bool
	// WindowBits bounds both windows under context takeover, the client's only if it allows that. 0 means MaxWindowBits.
	WindowBits uint8
}

// NegotiateDeflate takes the first offer of permessage-deflate that can be accepted (RFC 7692, section 5.1), over all
// lines. Offers with unknown, repeated or illegal parameters are declined; the handshake goes on without them.
func (r *Request) NegotiateDeflate(policy DeflatePolicy) (d Deflate, ok bool) {
	for line := range r.fields.values("Sec-WebSocket-Extensions") {
		walkExtensions(line, func(name []byte, params cursor) bool {
			if string(name) == "permessage-deflate" {
				d, ok = acceptOffer(params, policy)
			}
			return !ok
		})
		if ok {
			return d, true
		}
	}
	return Deflate{}, false
}

// acceptOffer decides on one offer.
func acceptOffer(params cursor, policy DeflatePolicy) (Deflate, bool) {
	var o deflateOffer
	for {
		p, more, _ := params.param()
		if !more {
			return o.answer(policy), true
		}
		if !o.take(p) {
			return Deflate{}, false
		}
	}
}

// deflateOffer holds the parameters of one offer.
type deflateOffer struct {
	serverNoTakeover, clientNoTakeover bool
	serverBits                         uint8 // 0: not given
	clientBits                         uint8 // 0: not given
}

// take notes a parameter and reports whether it is legal and new.
func (o *deflateOffer) take(p extensionParam) bool {
	switch string(p.name) {
	case "server_no_context_takeover":
		return setOnce(&o.serverNoTakeover, true) && p.value == nil
	case "client_no_context_takeover":
		return setOnce(&o.clientNoTakeover, true) && p.value == nil
	case "server_max_window_bits":
		return setOnce(&o.serverBits, windowBits(p.value))
	case "client_max_window_bits":
		if p.value == nil { // the client can do any size
			return setOnce(&o.clientBits, MaxWindowBits)
		}
		return setOnce(&o.clientBits, windowBits(p.value))
	default:
		return false
	}
}

// setOnce sets a field that was not set before, and reports whether it is set to anything now.
func setOnce[T comparable](field *T, value T) bool {
	var zero T
	if *field != zero {
		return false
	}
	*field = value
	return value != zero
}

// windowBits reads 9 to 15, without leading zeros; 0: it is none of them.
func windowBits(value []byte) uint8 {
	bits, digits := 0, 0
	for _, c := range value {
		if c == '\\' { // of a quoted string
			continue
		}
		if c < '0' || c > '9' || digits == 2 || digits == 0 && c == '0' {
			return 0
		}
		bits = 10*bits + int(c-'0')
		digits++
	}
	if bits < MinWindowBits || bits > MaxWindowBits {
		return 0
	}
	return uint8(bits)
}

// answer is what the server makes of a legal offer. It never asks for more than was offered.
func (o *deflateOffer) answer(policy DeflatePolicy) Deflate {
	d := Deflate{
		ServerWindowBits: MaxWindowBits, ClientWindowBits: MaxWindowBits,
		ServerTakeover: policy.Takeover && !o.serverNoTakeover,
		ClientTakeover: policy.Takeover && !o.clientNoTakeover,
	}
	if o.serverBits != 0 {
		d.ServerWindowBits, d.tellServerWindow = o.serverBits, true
	}
	if policy.WindowBits == 0 {
		return d
	}
	if d.ServerTakeover { // a smaller window than agreed is always legal, and nobody has to be told
		d.ServerWindowBits = min(d.ServerWindowBits, policy.WindowBits)
	}
	if d.ClientTakeover && o.clientBits != 0 {
		d.ClientWindowBits, d.tellClientWindow = min(o.clientBits, policy.WindowBits), true
	}
	return d
}

// AppendDeflate appends the header line that accepts the extension, with its CRLF, for AppendSwitchingProtocols; nothing
// for the zero Deflate.
func AppendDeflate(dst []byte, d Deflate) []byte {
	if d.ServerWindowBits == 0 {
		return dst
	}
	dst = append(dst, "Sec-WebSocket-Extensions: permessage-deflate"...)
	if !d.ServerTakeover {
		dst = append(dst, "; server_no_context_takeover"...)
	}
	if !d.ClientTakeover {
		dst = append(dst, "; client_no_context_takeover"...)
	}
	if d.tellServerWindow {
		dst = append(dst, "; server_max_window_bits="...)
		dst = strconv.AppendUint(dst, uint64(d.ServerWindowBits), 10)
	}
	if d.tellClientWindow {
		dst = append(dst, "; client_max_window_bits="...)
		dst = strconv.AppendUint(dst, uint64(d.ClientWindowBits), 10)
	}
	return append(dst, "\r\n"...)
}
