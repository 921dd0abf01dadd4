package reactor

// Funcs makes a Handler of functions. One that is nil is not called, so that a server which only pushes, or only listens, names what it
// needs:
//
//	reactor.Funcs{Message: func(c *reactor.Conn, op reactor.Opcode, payload []byte) { _ = c.Send(op, payload) }}
type Funcs struct {
	// Open is OnOpen.
	Open func(c *Conn)
	// Message is OnMessage. nil: messages are thrown away.
	Message func(c *Conn, op Opcode, payload []byte)
	// Close is OnClose.
	Close func(c *Conn, end End)
}

// OnOpen implements Handler.
func (f Funcs) OnOpen(c *Conn) {
	if f.Open != nil {
		f.Open(c)
	}
}

// OnMessage implements Handler.
func (f Funcs) OnMessage(c *Conn, op Opcode, payload []byte) {
	if f.Message != nil {
		f.Message(c, op, payload)
	}
}

// OnClose implements Handler.
func (f Funcs) OnClose(c *Conn, end End) {
	if f.Close != nil {
		f.Close(c, end)
	}
}
