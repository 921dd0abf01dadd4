package frame

// DeflateOffer is what a client asks for with permessage-deflate (RFC 7692, section 7.1). The zero value does without context
// takeover in both directions, so that neither side keeps a window for the connection.
type DeflateOffer struct {
	// Takeover lets both sides refer to their earlier messages.
	Takeover bool
}

// AppendDeflateOffer appends the header line that offers the extension, with its CRLF, for AppendClientHandshake. It leaves
// client_max_window_bits out, so that the server must not limit the client's window.
func AppendDeflateOffer(dst []byte, offer DeflateOffer) []byte {
	dst = append(dst, "Sec-WebSocket-Extensions: permessage-deflate"...)
	if !offer.Takeover {
		dst = append(dst, "; client_no_context_takeover; server_no_context_takeover"...)
	}
	return append(dst, "\r\n"...)
}

// CheckDeflateHandshake is CheckServerHandshake for a client that has sent offer. The server may accept it or do without the
// extension, which the zero Deflate says. It must accept nothing else, nothing twice, and no parameter that the offer does
// not allow (RFC 7692, section 7.1): the connection has to be failed then.
func CheckDeflateHandshake(head, key []byte, offer DeflateOffer) (subprotocol []byte, d Deflate, err error) {
	answer, err := checkAnswer(head, key)
	if err != nil {
		return nil, Deflate{}, err
	}
	lines := 0
	reason := ""
	for line := range answer.headers.values("Sec-WebSocket-Extensions") {
		lines++
		whole := walkExtensions(line, func(name []byte, params cursor) bool {
			switch {
			case string(name) != "permessage-deflate":
				reason = reasonExtension
			case d.ServerWindowBits != 0:
				reason = reasonDeflate // a second time
			default:
				var ok bool
				if d, ok = offer.accepted(params); !ok {
					reason = reasonDeflate
				}
			}
			return reason == ""
		})
		if !whole && reason == "" {
			reason = reasonDeflate
		}
	}
	if lines > 0 && d.ServerWindowBits == 0 && reason == "" {
		reason = reasonDeflate // a line that names no extension
	}
	if reason != "" {
		return nil, Deflate{}, answer.refuse(reason)
	}
	return answer.subprotocol, d, nil
}

// accepted reads the parameters of an answer to the offer.
func (o DeflateOffer) accepted(params cursor) (Deflate, bool) {
	var serverNo, clientNo bool
	bits := uint8(0)
	for {
		p, more, ok := params.param()
		if !ok {
			return Deflate{}, false
		}
		if !more {
			break
		}
		switch string(p.name) {
		case "server_no_context_takeover":
			ok = setOnce(&serverNo, true) && p.value == nil
		case "client_no_context_takeover":
			ok = setOnce(&clientNo, true) && p.value == nil
		case "server_max_window_bits": // may be named though it was not asked for (section 7.1.2.1)
			ok = setOnce(&bits, answeredBits(p.value))
		default: // client_max_window_bits, too: it was not offered (section 7.1.2.2)
			ok = false
		}
		if !ok {
			return Deflate{}, false
		}
	}
	if !o.Takeover && !serverNo { // who accepts an offer with it must say so (section 7.1.1.1)
		return Deflate{}, false
	}
	if bits == 0 {
		bits = MaxWindowBits
	}
	return Deflate{
		ServerWindowBits: bits, ClientWindowBits: MaxWindowBits,
		ServerTakeover: o.Takeover && !serverNo,
		ClientTakeover: o.Takeover && !clientNo,
	}, true
}

// answeredBits reads a window of the server's: one of 256 bytes is legal, and any window inflates it.
func answeredBits(value []byte) uint8 {
	if string(value) == "8" {
		return 8
	}
	return windowBits(value)
}
