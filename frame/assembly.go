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

// Write doubles the room when it is used up: the cost of n one-byte writes is O(n), the room at most twice the data, and
// no more than pieceBytes as long as that will do.
func (b *heapBuffer) Write(p []byte) (int, error) {
	if need := len(b.data) + len(p); need > cap(b.data) {
		room := max(need, 2*cap(b.data))
		if need <= pieceBytes {
			room = min(room, pieceBytes)
		}
		grown := make([]byte, len(b.data), room)
		copy(grown, b.data)
		b.data = grown
	}
	b.data = append(b.data, p...)
	return len(p), nil
}

func (b *heapBuffer) Bytes() []byte { return b.data }

func (b *heapBuffer) Release() { b.data = nil }

// pieceBytes is the most that a buffer holds while a payload is in the making.
const pieceBytes = 64 << 10

// assembly is a payload in the making. It takes a buffer with its first byte, so that empty frames cost nothing, and one
// more with every 64 KiB: what it holds is never much more than what has arrived. The zero value is empty.
type assembly struct {
	first Buffer   // owned; nil: empty
	rest  []Buffer // owned; behind first. All but the last are full
}

// last is the buffer that is being filled; nil where there is none.
func (a *assembly) last() Buffer {
	if n := len(a.rest); n > 0 {
		return a.rest[n-1]
	}
	return a.first
}

// add appends a copy of chunk, which has arrived; no buffer is ever asked for more than that.
func (a *assembly) add(cfg *DecoderConfig, chunk []byte) *Error {
	for len(chunk) > 0 {
		b, room := a.last(), 0
		if b != nil {
			room = pieceBytes - len(b.Bytes())
		}
		if room == 0 {
			room = pieceBytes
			if b = cfg.newBuffer(min(len(chunk), room)); b == nil {
				return ErrBufferRefused
			}
			a.push(b)
		}
		part := chunk[:min(len(chunk), room)]
		if _, err := b.Write(part); err != nil {
			return ErrBufferRefused
		}
		chunk = chunk[len(part):]
	}
	return nil
}

func (a *assembly) push(b Buffer) {
	if a.first == nil {
		a.first = b
	} else {
		a.rest = append(a.rest, b)
	}
}

// pop takes the first buffer out, which the caller owns then; nil: there is none.
func (a *assembly) pop() Buffer {
	b := a.first
	a.first = nil
	if len(a.rest) > 0 {
		a.first, a.rest[0] = a.rest[0], nil
		a.rest = a.rest[1:]
	}
	return b
}

// size is how many bytes have been added.
func (a *assembly) size() int {
	if a.first == nil {
		return 0
	}
	n := len(a.first.Bytes())
	for _, b := range a.rest {
		n += len(b.Bytes())
	}
	return n
}

// finish adds the last chunk and gives the payload: chunk itself where nothing came before it, which saves the copy. A
// payload of several pieces is joined. The buffer, if any, goes over to the message.
func (a *assembly) finish(cfg *DecoderConfig, op Opcode, chunk []byte) (Message, *Error) {
	if a.first == nil {
		return Message{Opcode: op, Payload: chunk}, nil
	}
	if total := a.size() + len(chunk); total > pieceBytes {
		if err := a.join(cfg, total); err != nil {
			return Message{}, err
		}
	}
	if _, err := a.first.Write(chunk); err != nil {
		return Message{}, ErrBufferRefused
	}
	m := Message{Opcode: op, Payload: a.first.Bytes(), buffer: a.first}
	a.first = nil
	return m, nil
}

// join puts the pieces into one buffer with room for total bytes.
func (a *assembly) join(cfg *DecoderConfig, total int) *Error {
	joined := cfg.newBuffer(total)
	if joined == nil {
		return ErrBufferRefused
	}
	for b := a.pop(); b != nil; b = a.pop() {
		_, err := joined.Write(b.Bytes())
		b.Release()
		if err != nil {
			joined.Release()
			return ErrBufferRefused
		}
	}
	a.first = joined
	return nil
}

// release gives the buffers back when the payload will not be finished.
func (a *assembly) release() {
	for b := a.pop(); b != nil; b = a.pop() {
		b.Release()
	}
}
