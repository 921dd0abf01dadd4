package frame

import "strconv"

const (
	allowGet       = "Allow: GET\r\n"
	upgradeOffer   = "Upgrade: websocket\r\nConnection: Upgrade\r\n"
	versionOffer   = "Sec-WebSocket-Version: 13\r\n" + upgradeOffer
	statusSwitched = 101
)

// HandshakeError is a refusal of a request or response head. Status is the HTTP status to answer with, Reason a stable
// token for body, log and metric label, Header ready-made extra header lines for AppendRejection, or "". It never
// quotes the peer. From CheckServerHandshake, Status is what the server answered, 0 where that cannot be read.
//
// A server's refusals are pointers to fixed values: a flood of bad requests costs no allocation.
type HandshakeError struct {
	Status int
	Reason string
	Header string
}

// Error gives the reason and the status.
func (e *HandshakeError) Error() string {
	return "frame: handshake: " + e.Reason + " (" + strconv.Itoa(e.Status) + ")"
}

func badRequest(reason string) *HandshakeError { return &HandshakeError{Status: 400, Reason: reason} }

// Refusals of a head as such (RFC 9112, sections 2 to 6; RFC 9110, sections 5 and 7).
var (
	errHeadTooBig      = &HandshakeError{Status: 431, Reason: "head_too_big"}
	errTooManyHeaders  = &HandshakeError{Status: 431, Reason: "too_many_headers"}
	errLineTooLong     = &HandshakeError{Status: 414, Reason: "request_line_too_long"}
	errBareLF          = badRequest("bare_lf")
	errBareCR          = badRequest("bare_cr")
	errControlByte     = badRequest("control_byte")
	errEmptyStartLine  = badRequest("empty_start_line")
	errHeadIncomplete  = badRequest("head_incomplete")
	errRequestLine     = badRequest("request_line")
	errMethod          = badRequest("method")
	errTarget          = badRequest("target")
	errHTTPVersion     = &HandshakeError{Status: 505, Reason: "http_version"}
	errHeaderFold      = badRequest("header_fold")
	errHeaderName      = badRequest("header_name")
	errHost            = badRequest("host")
	errContentLength   = badRequest("content_length")
	errTransferCoding  = badRequest("transfer_encoding")
	errAmbiguousLength = badRequest("ambiguous_length")
)

// Refusals of an upgrade (RFC 6455, sections 4.2.1 and 4.2.2).
var (
	errNotGet          = &HandshakeError{Status: 405, Reason: "method_not_get", Header: allowGet}
	errNoUpgrade       = &HandshakeError{Status: 426, Reason: "upgrade_missing", Header: upgradeOffer}
	errNoConnection    = badRequest("connection_not_upgrade")
	errVersion         = &HandshakeError{Status: 426, Reason: "websocket_version", Header: versionOffer}
	errVersionRepeated = badRequest("websocket_version_repeated")
	errKey             = badRequest("websocket_key")
	errBody            = badRequest("body_with_upgrade")
	errExpect          = &HandshakeError{Status: 417, Reason: "expect_with_upgrade"}
	errSubprotocol     = badRequest("subprotocol")
	errExtension       = badRequest("extension")
)
