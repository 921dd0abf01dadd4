package frame

// Buffer is what a message cut over several reads or frames is put together in.
type Buffer interface {
	// Write appends a copy of p. An error refuses it and fails the connection with ErrBufferRefused.
	Write(p []byte) (int, error)
	// Bytes gives everything written, valid until the next Write or Release.
	Bytes() []byte
	// Release gives the buffer back. It is called exactly once.
	Release()
}

// heapBuffer is the Buffer of a DecoderConfig without NewBuffer: left to the garbage collector.
type heapBuffer struct{ data []byte }

// heapBufferBytes is the least a heapBuffer begins with: room for a few one-byte fragments without growing.
const heapBufferBytes = 64

func newHeapBuffer(size int) Buffer {
	return &heapBuffer{data: make([]byte, 0, max(size, heapBufferBytes))}
}

// Write doubles the room when it is used up: the cost of n one-byte writes is O(n), the room at most twice the data.
func (b *heapBuffer) Write(p []byte) (int, error) {
	if need := len(b.data) + len(p); need > cap(b.data) {
		grown := make([]byte, len(b.data), max(need, 2*cap(b.data)))
		copy(grown, b.data)
		b.data = grown
	}
	b.data = append(b.data, p...)
	return len(p), nil
}

func (b *heapBuffer) Bytes() []byte { return b.data }

func (b *heapBuffer) Release() { b.data = nil }

// assembly is a payload in the making. It takes a buffer with its first byte, so that empty frames cost nothing.
type assembly struct{ buffer Buffer }

// add appends a copy of chunk, which has arrived; the buffer is never asked for more than that.
func (a *assembly) add(cfg *DecoderConfig, chunk []byte) *Error {
	if len(chunk) == 0 {
		return nil
	}
	if a.buffer == nil {
		a.buffer = cfg.newBuffer(len(chunk))
		if a.buffer == nil {
			return ErrBufferRefused
		}
	}
	if _, err := a.buffer.Write(chunk); err != nil {
		return ErrBufferRefused
	}
	return nil
}

// finish adds the last chunk and gives the payload: chunk itself where nothing came before it, which saves the copy.
// The buffer, if any, goes over to the message.
func (a *assembly) finish(cfg *DecoderConfig, op Opcode, chunk []byte) (Message, *Error) {
	if a.buffer == nil {
		return Message{Opcode: op, Payload: chunk}, nil
	}
	if err := a.add(cfg, chunk); err != nil {
		return Message{}, err
	}
	m := Message{Opcode: op, Payload: a.buffer.Bytes(), buffer: a.buffer}
	a.buffer = nil
	return m, nil
}

// release gives the buffer back when the payload will not be finished.
func (a *assembly) release() {
	if a.buffer != nil {
		a.buffer.Release()
		a.buffer = nil
	}
}
