package frame

// Message is one whole data message (text or binary) or one control frame (close, ping or pong).
//
// Payload is unmasked. It is a view of the input of Next, good as long as that is, or of an assembly buffer, good
// until Release. Release is due for every message exactly when its payload is no longer looked at; a Message must not
// be copied and released twice.
type Message struct {
	Opcode  Opcode
	Payload []byte
	buffer  Buffer // nil for a view of the input
}

// Release gives the assembly buffer back, if there is one, and forgets the payload. Calling it again does nothing.
func (m *Message) Release() {
	if m == nil {
		return
	}
	m.Payload = nil
	if m.buffer != nil {
		m.buffer.Release()
		m.buffer = nil
	}
}
