package frame

import (
	"encoding/binary"
	"strings"
	"unicode/utf8"
)

// CloseCode says why a connection ends (RFC 6455, section 7.4, and the IANA registry it started).
type CloseCode uint16

const (
	CloseNormal          CloseCode = 1000 // the purpose is fulfilled
	CloseGoingAway       CloseCode = 1001 // a server shuts down, a page is left
	CloseProtocolError   CloseCode = 1002 // the peer broke RFC 6455
	CloseUnsupportedData CloseCode = 1003 // a kind of message that the endpoint cannot take
	CloseNoStatus        CloseCode = 1005 // stands for a close frame without a code; never sent
	CloseAbnormal        CloseCode = 1006 // stands for a connection that ended without a close frame; never sent
	CloseInvalidPayload  CloseCode = 1007 // text that is no UTF-8
	ClosePolicyViolation CloseCode = 1008 // a limit or rule of the server
	CloseMessageTooBig   CloseCode = 1009 // a message over the limit
	CloseInternalError   CloseCode = 1011 // the server failed
	CloseServiceRestart  CloseCode = 1012 // the server restarts
	CloseTryAgainLater   CloseCode = 1013 // the server is overloaded
)

const (
	// MaxControlBytes is the largest payload of a close, ping or pong frame (RFC 6455, section 5.5).
	MaxControlBytes = 125

	// MaxCloseReasonBytes is what a control payload leaves for a close reason behind the two bytes of the code.
	MaxCloseReasonBytes = MaxControlBytes - 2
)

// Valid reports whether c may stand in a close frame on the wire: 1000-1003, 1007-1014 and 3000-4999. 1004, 1005, 1006
// and 1015 are reserved, 1016-2999 unassigned, the rest out of range (RFC 6455, sections 7.4.1 and 7.4.2).
func (c CloseCode) Valid() bool {
	return c >= 1000 && c <= 1003 || c >= 1007 && c <= 1014 || c >= 3000 && c <= 4999
}

// ParseClose splits the unmasked payload of a close frame into code and reason (RFC 6455, section 5.5.1). An empty
// payload is CloseNoStatus. reason is a view of payload. Errors: ErrClosePayload, ErrCloseCode, ErrCloseReason.
func ParseClose(payload []byte) (code CloseCode, reason []byte, err error) {
	switch len(payload) {
	case 0:
		return CloseNoStatus, nil, nil
	case 1:
		return 0, nil, ErrClosePayload
	}
	code = CloseCode(binary.BigEndian.Uint16(payload))
	if !code.Valid() {
		return 0, nil, ErrCloseCode
	}
	if !utf8.Valid(payload[2:]) {
		return 0, nil, ErrCloseReason
	}
	return code, payload[2:], nil
}

// AppendClosePayload appends the payload of a close frame, for AppendMaskedFrame: nothing for a code that may not stand
// on the wire, such as CloseNoStatus; otherwise the code and the reason, cut to 123 bytes between two characters and
// made valid UTF-8.
func AppendClosePayload(dst []byte, code CloseCode, reason string) []byte {
	if !code.Valid() {
		return dst
	}
	dst = binary.BigEndian.AppendUint16(dst, uint16(code))
	return append(dst, cutReason(reason)...)
}

// AppendClose appends a whole unmasked close frame; code and reason as in AppendClosePayload.
func AppendClose(dst []byte, code CloseCode, reason string) []byte {
	if !code.Valid() {
		return AppendHeader(dst, true, OpClose, 0)
	}
	reason = cutReason(reason)
	dst = AppendHeader(dst, true, OpClose, 2+len(reason))
	dst = binary.BigEndian.AppendUint16(dst, uint16(code))
	return append(dst, reason...)
}

// cutReason gives the longest valid part of reason that fits into a close frame.
func cutReason(reason string) string {
	if !utf8.ValidString(reason) {
		reason = strings.ToValidUTF8(reason, string(utf8.RuneError))
	}
	if len(reason) <= MaxCloseReasonBytes {
		return reason
	}
	end := MaxCloseReasonBytes
	for !utf8.RuneStart(reason[end]) {
		end--
	}
	return reason[:end]
}
