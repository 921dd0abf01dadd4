package frame

import "strconv"

// Opcode says what a frame carries (RFC 6455, section 5.2). Only the six values below are defined; the others are
// reserved and refused.
type Opcode byte

const (
	OpContinuation Opcode = 0x0 // a further fragment of a data message
	OpText         Opcode = 0x1 // a data message in UTF-8
	OpBinary       Opcode = 0x2 // a data message of any octets
	OpClose        Opcode = 0x8 // the start or the answer of the closing handshake
	OpPing         Opcode = 0x9 // asks for a pong with the same payload
	OpPong         Opcode = 0xA // the answer to a ping, or a unidirectional heartbeat
)

const (
	// definedOpcodes has bit n set where opcode n is defined.
	definedOpcodes = 1<<OpContinuation | 1<<OpText | 1<<OpBinary | 1<<OpClose | 1<<OpPing | 1<<OpPong

	// controlBit tells control opcodes from data opcodes (RFC 6455, section 5.5).
	controlBit = 0x8
)

// IsControl reports whether o is a close, ping or pong. Reserved opcodes are neither control nor data.
func (o Opcode) IsControl() bool { return o&controlBit != 0 && o.defined() }

// IsData reports whether o is a text, binary or continuation frame.
func (o Opcode) IsData() bool { return o&controlBit == 0 && o.defined() }

// String names o in lower case, such as "text"; a reserved opcode is named by its number.
func (o Opcode) String() string {
	switch o {
	case OpContinuation:
		return "continuation"
	case OpText:
		return "text"
	case OpBinary:
		return "binary"
	case OpClose:
		return "close"
	case OpPing:
		return "ping"
	case OpPong:
		return "pong"
	default:
		return "reserved opcode " + strconv.Itoa(int(o))
	}
}

func (o Opcode) defined() bool { return o < 16 && definedOpcodes>>o&1 != 0 }
