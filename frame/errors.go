package frame

import "strconv"

// Error is a protocol failure of a peer: the close code to send and a stable reason token, which is close reason, log
// key and metric label in one. The package returns pointers to the variables below, so == and errors.Is both work.
type Error struct {
	Code   CloseCode
	Reason string
}

// Error gives the reason and the close code.
func (e *Error) Error() string { return "frame: " + e.Reason + " (" + strconv.Itoa(int(e.Code)) + ")" }

// Failures of a frame header (RFC 6455, sections 5.1, 5.2 and 5.5).
var (
	// ErrUnmasked: a client sent an unmasked frame.
	ErrUnmasked = &Error{CloseProtocolError, "unmasked_frame"}
	// ErrMasked: a server sent a masked frame.
	ErrMasked = &Error{CloseProtocolError, "masked_frame"}
	// ErrReservedBits: RSV1, RSV2 or RSV3 is set and no extension gives it a meaning.
	ErrReservedBits = &Error{CloseProtocolError, "reserved_bits"}
	// ErrReservedOpcode: opcode 3 to 7 or 11 to 15.
	ErrReservedOpcode = &Error{CloseProtocolError, "reserved_opcode"}
	// ErrFragmentedControl: a close, ping or pong without FIN.
	ErrFragmentedControl = &Error{CloseProtocolError, "fragmented_control"}
	// ErrControlTooLong: a close, ping or pong with more than 125 bytes of payload.
	ErrControlTooLong = &Error{CloseProtocolError, "control_too_long"}
	// ErrNonMinimalLength: a length in a longer form than it needs.
	ErrNonMinimalLength = &Error{CloseProtocolError, "non_minimal_length"}
	// ErrLengthOverflow: a 64-bit length with the most significant bit set.
	ErrLengthOverflow = &Error{CloseProtocolError, "length_overflow"}
)

// Failures of the order and size of frames, and of text (RFC 6455, sections 5.4, 8.1 and 10.4).
var (
	// ErrUnexpectedContinuation: a continuation frame with nothing to continue.
	ErrUnexpectedContinuation = &Error{CloseProtocolError, "unexpected_continuation"}
	// ErrExpectedContinuation: a new data message inside a fragmented one.
	ErrExpectedContinuation = &Error{CloseProtocolError, "expected_continuation"}
	// ErrMessageTooBig: the payloads of a message sum up to more than DecoderConfig.MaxMessageBytes.
	ErrMessageTooBig = &Error{CloseMessageTooBig, "message_too_big"}
	// ErrTooManyFragments: a message in more than DecoderConfig.MaxFragments frames.
	ErrTooManyFragments = &Error{ClosePolicyViolation, "too_many_fragments"}
	// ErrInvalidUTF8: an octet in a text message that cannot be UTF-8, or an end inside a character.
	ErrInvalidUTF8 = &Error{CloseInvalidPayload, "invalid_utf8"}
	// ErrBufferRefused: an assembly buffer did not take a write, which is how a budget for memory says no. It is not
	// the peer's fault: 1013 asks it to come back later.
	ErrBufferRefused = &Error{CloseTryAgainLater, "buffer_refused"}
)

// Failures of a compressed message (RFC 7692, section 7.2.2). One that is too big when inflated is ErrMessageTooBig.
var (
	// ErrInvalidDeflate: a payload that is no DEFLATE stream, refers to what never came, or does not end where it should.
	ErrInvalidDeflate = &Error{CloseInvalidPayload, "invalid_deflate"}
	// ErrTooManyFinalBlocks: a message made of more than 32 streams.
	ErrTooManyFinalBlocks = &Error{ClosePolicyViolation, "too_many_final_blocks"}
)

// Failures of a close frame's payload (RFC 6455, sections 5.5.1 and 7.4).
var (
	// ErrClosePayload: a payload of one byte.
	ErrClosePayload = &Error{CloseProtocolError, "close_payload"}
	// ErrCloseCode: a code that must not stand on the wire.
	ErrCloseCode = &Error{CloseProtocolError, "close_code"}
	// ErrCloseReason: a reason that is no UTF-8.
	ErrCloseReason = &Error{CloseInvalidPayload, "close_reason"}
)
