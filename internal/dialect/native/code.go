package native

import "github.com/wsedge/wsedge/frame"

// Subprotocol is the name that a client offers in Sec-WebSocket-Protocol (RFC 6455, section 1.9).
const Subprotocol = "wsedge.v1"

// The stable codes of an error: words that a program may compare.
const (
	CodeBadJSON           = "bad_json"
	CodeBadRequest        = "bad_request"
	CodeUnknownType       = "unknown_type"
	CodeBadChannel        = "bad_channel"
	CodeTooLarge          = "too_large"
	CodeUnauthorized      = "unauthorized"
	CodePermissionDenied  = "permission_denied"
	CodeNotSubscribed     = "not_subscribed"
	CodeAlreadySubscribed = "already_subscribed"
	CodeLimit             = "limit"
	CodeRate              = "rate"
	CodeUnavailable       = "unavailable"
)

// Close codes of the dialect. From 3000 to 3499 a client should come back, from 3500 to 3999 it should not.
const (
	CloseShutdown   frame.CloseCode = 3001
	CloseExpired    frame.CloseCode = 3005
	CloseSlow       frame.CloseCode = 3008
	CloseNoPong     frame.CloseCode = 3012
	CloseRate       frame.CloseCode = 3013
	CloseBadToken   frame.CloseCode = 3500
	CloseBadRequest frame.CloseCode = 3501
	CloseNotInTime  frame.CloseCode = 3502
	CloseForced     frame.CloseCode = 3503
	ClosePermission frame.CloseCode = 3507

	CloseConnLimit    frame.CloseCode = 3504
	CloseChannelLimit frame.CloseCode = 3505
)

// Error is why a command was not carried out.
type Error struct {
	Code    string // one of the Code constants
	Message string // for people, in plain ASCII without quotes; it may change
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }
