package frame

// partial is everything a Decoder knows between two calls of Next while it is not at rest: a part of a header, a
// frame whose payload has not all arrived, a message of which fragments are to come, or a failure.
type partial struct {
	next   *partial // in the free list
	failed *Error   // final

	// The frame that is arriving.
	frame     header // its key is turned to the next byte of payload
	remaining int64  // bytes of payload to come
	inFrame   bool   // the header is complete, the payload is not
	rawCount  uint8  // bytes in raw
	raw       [MaxHeaderBytes]byte
	control   assembly // the payload of a control frame: it may stand inside a message

	// The data message that is arriving.
	opcode     Opcode // 0: none
	compressed bool
	text       textState
	size       int64 // payload bytes of all its headers so far
	frames     int
	data       assembly
}

// release gives the buffers back.
func (p *partial) release() {
	p.control.release()
	p.data.release()
}

// readHeader takes bytes until a header is complete, and then begins the frame. n is how many it took.
func (p *partial) readHeader(cfg *DecoderConfig, in []byte) (n int, err *Error) {
	if p.rawCount == 0 {
		n, err = p.tryHeader(cfg, in)
		if n == 0 && err == nil {
			n = copy(p.raw[:], in)
			p.rawCount = uint8(n)
		}
		return n, err
	}
	before := int(p.rawCount)
	after := before + copy(p.raw[before:], in)
	n, err = p.tryHeader(cfg, p.raw[:after])
	if n == 0 {
		p.rawCount = uint8(after)
		return after - before, err
	}
	p.rawCount = 0
	return n - before, err
}

// tryHeader begins a frame if b begins with a whole header, whose size it returns.
func (p *partial) tryHeader(cfg *DecoderConfig, b []byte) (size int, err *Error) {
	if len(b) == 0 {
		return 0, nil
	}
	assembling := p.opcode != 0
	if err := checkFirst(b[0], assembling, cfg.Inflater != nil); err != nil {
		return 0, err
	}
	if assembling && b[0]&controlBit == 0 && cfg.MaxFragments > 0 && p.frames >= cfg.MaxFragments {
		return 0, ErrTooManyFragments
	}
	room := cfg.maxWireBytes(p.compressed || !assembling && b[0]&rsv1 != 0) - p.size
	if err := p.frame.parse(b, cfg.Role, room); err != nil || p.frame.size == 0 {
		return 0, err
	}
	cfg.Frames++
	p.begin()
	return p.frame.size, nil
}

// begin opens the frame whose header is complete.
func (p *partial) begin() {
	p.inFrame = true
	p.remaining = p.frame.length
	if p.frame.control() {
		return
	}
	if p.opcode == 0 {
		p.opcode = p.frame.opcode()
		p.compressed = p.frame.compressed()
	}
	p.size += p.frame.length
	p.frames++
}

// readPayload takes the next chunk of the open frame's payload, at most as much as remains, and unmasks it in place.
// The message has an opcode if the chunk completed one.
func (p *partial) readPayload(cfg *DecoderConfig, chunk []byte) (Message, *Error) {
	if cfg.Role == Server {
		p.frame.key = maskWord(chunk, p.frame.key)
	}
	p.remaining -= int64(len(chunk))
	complete := p.remaining == 0
	p.inFrame = !complete
	if p.frame.control() {
		if !complete {
			return Message{}, p.control.add(cfg, chunk)
		}
		return p.control.finish(cfg, p.frame.opcode(), chunk)
	}
	return p.readData(cfg, chunk, complete && p.frame.fin())
}

// readData takes a chunk of unmasked payload of the data message; last tells that it is the end.
func (p *partial) readData(cfg *DecoderConfig, chunk []byte, last bool) (Message, *Error) {
	if p.compressed {
		return p.readCompressed(cfg, chunk, last)
	}
	if p.opcode == OpText {
		if !p.text.check(chunk) || last && !p.text.complete() {
			return Message{}, ErrInvalidUTF8
		}
	}
	if !last {
		return Message{}, p.data.add(cfg, chunk)
	}
	m, err := p.data.finish(cfg, p.opcode, chunk)
	p.opcode = 0 // which makes the decoder give p back, and all of it is emptied then
	return m, err
}

// readCompressed is readData for a compressed message.
func (p *partial) readCompressed(cfg *DecoderConfig, chunk []byte, last bool) (Message, *Error) {
	if !last {
		return Message{}, p.data.add(cfg, chunk)
	}
	m, err := cfg.Inflater.message(cfg, p.opcode, &p.data, chunk)
	p.opcode = 0 // as above
	return m, err
}
