package reactor

import (
	"errors"
	"net"

	"github.com/wsedge/wsedge/frame"
)

// Handler is told what happens to the conns of a Server. All calls for one conn come from its loop, one after the other:
// one OnOpen, any number of OnMessage, one OnClose; or none at all, where a handshake failed. No call may block: see BlockingHandler for those that have to. A panic
// in a call closes the conn with 1011 and is counted; the server lives.
type Handler interface {
	// OnOpen comes when the handshake has been accepted. What is sent here leaves in one write with the 101.
	OnOpen(c *Conn)
	// OnMessage gets one whole message, text (checked to be UTF-8) or binary. payload borrows the loop's read buffer: it is
	// valid, and may be changed, until the call returns.
	OnMessage(c *Conn, op Opcode, payload []byte)
	// OnClose comes when the conn is no longer open, whoever ended it and however. Nothing can be sent any more.
	OnClose(c *Conn, end End)
}

// End says how a conn ended.
type End struct {
	// Code is the close code, sent or received; CloseAbnormal where no close frame went either way.
	Code CloseCode
	// Reason is the peer's close reason, or the stable token of what the server found wrong: "unmasked_frame".
	Reason string
	// Remote tells that the peer began it.
	Remote bool
	// Err is the error of the socket, where there was one.
	Err error
	// RemoteAddr is the peer's address.
	RemoteAddr net.Addr
}

// Cause is why the reactor closes a conn by itself.
type Cause uint8

const (
	// CauseShutdown: the server is being shut down.
	CauseShutdown Cause = iota
	// CauseSlow: the peer does not take its messages within OutboundMaxBytes and OutboundMaxAge.
	CauseSlow
	// CauseNoPong: a ping was not answered within PongTimeout.
	CauseNoPong
	// CauseMessageTimeout: a message was begun and not finished within MessageTimeout.
	CauseMessageTimeout
	// CauseRate: the peer sends more frames than MaxFrameRate and MaxControlRate let it.
	CauseRate
	// CausePanic: the handler panicked.
	CausePanic
	// CauseInput: more has come than Config.Blocking keeps up with, and WorkerOptions let wait.
	CauseInput
)

// Default is the close code of RFC 6455, section 7.4.1 for the cause, and a reason.
func (cause Cause) Default() (CloseCode, string) {
	switch cause {
	case CauseShutdown:
		return frame.CloseGoingAway, "shutdown"
	case CauseSlow:
		return frame.ClosePolicyViolation, "slow_consumer"
	case CauseNoPong:
		return frame.ClosePolicyViolation, "no_pong"
	case CauseMessageTimeout:
		return frame.ClosePolicyViolation, "message_timeout"
	case CauseRate:
		return frame.ClosePolicyViolation, "frame_rate"
	case CauseInput:
		return frame.ClosePolicyViolation, "input_backlog"
	default:
		return frame.CloseInternalError, "internal"
	}
}

// Errors that methods of Conn, Joining, Topic and Server return.
var (
	// ErrClosed: the conn is not open, or the server has ended.
	ErrClosed = errors.New("reactor: closed")
	// ErrSubscribed: the conn is subscribed to the topic already, or about to be.
	ErrSubscribed = errors.New("reactor: already subscribed")
	// ErrForm: the server has no such form.
	ErrForm = errors.New("reactor: no such form")
	// ErrOpcode: only text and binary messages can be sent so; there are Ping and Close.
	ErrOpcode = errors.New("reactor: neither text nor binary")
	// ErrControlTooLong: a ping's payload is over 125 bytes (RFC 6455, section 5.5).
	ErrControlTooLong = errors.New("reactor: control payload over 125 bytes")
	// ErrBacklog: publications wait to be sent up to Config.NodeMaxBytes. Nothing was posted; try again later.
	ErrBacklog = errors.New("reactor: backlog is full")
	// ErrStarted: Start was called before.
	ErrStarted = errors.New("reactor: already started")
	// ErrEngineStopped: the engine ended without Shutdown having been called.
	ErrEngineStopped = errors.New("reactor: engine stopped unexpectedly")
)
