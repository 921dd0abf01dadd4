// Package raw is the dialect without an envelope: a frame carries a publication's data alone.
//
// It never says which channel a frame came from, and has no commands.
//
// Ownership: AppendMessage appends to what it is given and retains nothing.
package raw

import (
	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/dialect"
)

// CloseShutdown is the close code of a server that goes away: RFC 6455's registry, 1012, service restart.
const CloseShutdown = frame.CloseServiceRestart

// AppendMessage appends the frame of a message: a text frame for JSON and text, a binary one for binary.
func AppendMessage(dst []byte, m *dialect.Message) []byte {
	return frame.AppendFrame(dst, Opcode(m.Kind), m.Data)
}

// Opcode is that of a frame with data of a kind.
func Opcode(k broker.Kind) frame.Opcode {
	if k == broker.Binary {
		return frame.OpBinary
	}
	return frame.OpText
}
