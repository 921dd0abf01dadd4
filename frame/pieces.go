package frame

// pieceBytes is the most that one of the buffers of a compressed message holds.
const pieceBytes = 64 << 10

// pieces is a compressed payload in the making. It is kept in buffers of moderate size, so that each can be given back as
// soon as it has been inflated. The zero value is empty, and so is nil.
type pieces struct {
	buffers []Buffer // owned; all but the last are full
	size    int64
}

// add appends a copy of chunk.
func (w *pieces) add(cfg *DecoderConfig, chunk []byte) *Error {
	w.size += int64(len(chunk))
	for len(chunk) > 0 {
		n := len(w.buffers)
		room := 0
		if n > 0 {
			room = pieceBytes - len(w.buffers[n-1].Bytes())
		}
		if room == 0 {
			room = pieceBytes
			b := cfg.newBuffer(min(len(chunk), room))
			if b == nil {
				return ErrBufferRefused
			}
			w.buffers = append(w.buffers, b)
			n++
		}
		part := chunk[:min(len(chunk), room)]
		if _, err := w.buffers[n-1].Write(part); err != nil {
			return ErrBufferRefused
		}
		chunk = chunk[len(part):]
	}
	return nil
}

// take gives the buffers, and how many bytes they hold, over to the caller.
func (w *pieces) take() (buffers []Buffer, size int64) {
	if w == nil {
		return nil, 0
	}
	buffers, size = w.buffers, w.size
	*w = pieces{}
	return buffers, size
}

// release gives the buffers back when the payload will not be finished.
func (w *pieces) release() {
	buffers, _ := w.take()
	for _, b := range buffers {
		b.Release()
	}
}
