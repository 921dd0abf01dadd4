package frame

// Window is what one side has sent lately, up to the size of a DEFLATE window: under context takeover the next message may
// refer to it (RFC 7692, section 7.2). It is all that a direction of a connection costs then, 512 B to 32 KiB, and it
// grows only with what has been sent.
type Window struct {
	max  int
	data []byte
}

// NewWindow returns an empty window of 1 << bits bytes, bits being 9 to 15.
func NewWindow(bits uint8) *Window { return &Window{max: 1 << bits} }

// bytes returns the content; nil for the nil Window, which stands for no context takeover.
func (w *Window) bytes() []byte {
	if w == nil {
		return nil
	}
	return w.data
}

// add slides the window over p.
func (w *Window) add(p []byte) {
	if w == nil {
		return
	}
	if len(p) >= w.max {
		w.data = append(w.data[:0], p[len(p)-w.max:]...)
		return
	}
	if over := len(w.data) + len(p) - w.max; over > 0 {
		w.data = w.data[:copy(w.data, w.data[over:])]
	}
	if need := len(w.data) + len(p); need > cap(w.data) {
		grown := make([]byte, len(w.data), min(w.max, max(need, 2*cap(w.data))))
		copy(grown, w.data)
		w.data = grown
	}
	w.data = append(w.data, p...)
}

// Reset empties the window: the next message stands alone. The nil Window, which stands for none, is empty.
func (w *Window) Reset() {
	if w != nil {
		w.data = w.data[:0]
	}
}
