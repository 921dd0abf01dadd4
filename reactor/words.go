package reactor

import "github.com/wsedge/wsedge/frame"

// The words of package frame that a handler needs, so that most programs import nothing else. They are the same types: a
// program that imports frame can mix them.
type (
	// Opcode says what a message is: Text or Binary.
	Opcode = frame.Opcode
	// CloseCode is a close code (RFC 6455, section 7.4).
	CloseCode = frame.CloseCode
	// Request is the request that Config.Upgrade decides on. Its fields Method, Target, Path, Query and Host are bytes as they were sent, Get and Values
	// return headers by name, Subprotocols what is offered; all are views, valid for the call.
	Request = frame.Request
	// HandshakeError is a refusal, for Config.Upgrade to return a pointer to: Status is the HTTP status, Reason a stable word for the body and for metrics, and
	// Header "", or further header lines, each ended by CRLF.
	HandshakeError = frame.HandshakeError
)

// The kinds of messages.
const (
	Text   = frame.OpText
	Binary = frame.OpBinary
)

// The close codes that programs send (RFC 6455, section 7.4.1, and the registry it founded). An application's own are from 4000 to 4999.
const (
	CloseNormal          = frame.CloseNormal          // 1000: all has been said
	CloseGoingAway       = frame.CloseGoingAway       // 1001: the server shuts down, or the page was left
	CloseProtocolError   = frame.CloseProtocolError   // 1002: the reactor's own, for broken frames
	CloseUnsupportedData = frame.CloseUnsupportedData // 1003: text where binary is wanted, or the other way round
	CloseInvalidPayload  = frame.CloseInvalidPayload  // 1007: the message is not what its kind promises
	ClosePolicyViolation = frame.ClosePolicyViolation // 1008: not allowed, or too slow
	CloseMessageTooBig   = frame.CloseMessageTooBig   // 1009: above Config.MaxMessageBytes
	CloseInternalError   = frame.CloseInternalError   // 1011: the server's fault
	CloseServiceRestart  = frame.CloseServiceRestart  // 1012: come back at once
	CloseTryAgainLater   = frame.CloseTryAgainLater   // 1013: come back later
	CloseAbnormal        = frame.CloseAbnormal        // 1006: in End alone, where no close frame came; never sent
)
