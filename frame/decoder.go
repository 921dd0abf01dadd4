package frame

import "unicode/utf8"

// Decoder turns the bytes of one direction of one connection, arriving in any cut, into messages. The zero value is
// ready. At rest, which is between messages, it holds nothing but a nil pointer: 8 bytes. What has to be kept of a
// half-arrived message lives in a scratch state that is taken from the config and given back with the message's end.
type Decoder struct{ partial *partial }

// Next consumes up to one message from in; n is how many bytes. A message with opcode 0 and no error means that all
// of in is consumed and more is needed.
//
// It borrows in and unmasks it in place. A whole unfragmented frame in in comes back as a view, without a copy or an
// allocation; anything else is put together in a buffer from cfg, and Release gives that back. Text is checked octet
// by octet as it arrives (RFC 6455, section 8.1), headers as early as their bytes allow. A compressed message is
// inflated when it is complete, and no further than the first octet that is too much or no text.
//
// err is an *Error and final: every later call returns it again, until Reset. Nothing behind it may be decoded, so n
// is then len(in).
func (d *Decoder) Next(cfg *DecoderConfig, in []byte) (m Message, n int, err error) {
	if d.partial != nil {
		return d.resume(cfg, in)
	}
	if len(in) == 0 {
		return Message{}, 0, nil
	}
	if err := checkFirst(in[0], false, cfg.Inflater != nil); err != nil {
		return d.fail(cfg, in, err)
	}
	var h header
	if err := h.parse(in, cfg.Role, cfg.maxWireBytes(in[0]&rsv1 != 0)); err != nil {
		return d.fail(cfg, in, err)
	}
	if h.size == 0 || !h.fin() || int64(len(in)-h.size) < h.length {
		d.partial = cfg.take()
		return d.resume(cfg, in)
	}
	cfg.Frames++
	end := h.size + int(h.length)
	payload := in[h.size:end:end]
	if cfg.Role == Server {
		maskWord(payload, h.key)
	}
	if h.compressed() {
		m, err := cfg.Inflater.message(cfg, h.opcode(), &assembly{}, payload)
		if err != nil {
			return d.fail(cfg, in, err)
		}
		return m, end, nil
	}
	if h.opcode() == OpText && !utf8.Valid(payload) {
		return d.fail(cfg, in, ErrInvalidUTF8)
	}
	return Message{Opcode: h.opcode(), Payload: payload}, end, nil
}

// Reset forgets everything, failures too, and gives scratch state and buffers back: for a connection that ends, maybe
// in the middle of a message.
func (d *Decoder) Reset(cfg *DecoderConfig) {
	if d.partial != nil {
		cfg.put(d.partial)
		d.partial = nil
	}
}

// AtRest reports whether the decoder stands between two messages and has not failed.
func (d *Decoder) AtRest() bool { return d.partial == nil }

// resume is Next for everything but a whole frame at rest: it goes on until a message is complete or in is used up.
func (d *Decoder) resume(cfg *DecoderConfig, in []byte) (Message, int, error) {
	p := d.partial
	if p.failed != nil {
		return Message{}, len(in), p.failed
	}
	n := 0
	for {
		if !p.inFrame {
			taken, err := p.readHeader(cfg, in[n:])
			if err != nil {
				return d.fail(cfg, in, err)
			}
			n += taken
			if !p.inFrame {
				return Message{}, n, nil
			}
		}
		chunk := in[n:]
		if int64(len(chunk)) > p.remaining {
			chunk = chunk[:p.remaining]
		}
		chunk = chunk[:len(chunk):len(chunk)]
		n += len(chunk)
		m, err := p.readPayload(cfg, chunk)
		if err != nil {
			return d.fail(cfg, in, err)
		}
		if m.Opcode != 0 {
			d.rest(cfg)
			return m, n, nil
		}
		if p.inFrame {
			return Message{}, n, nil
		}
	}
}

// rest gives the scratch state back behind a message, unless that was a control frame inside a fragmented one.
func (d *Decoder) rest(cfg *DecoderConfig) {
	if d.partial.opcode == 0 {
		d.Reset(cfg)
	}
}

// fail makes err final. Buffers are given back at once; the small scratch state remembers the error until Reset.
func (d *Decoder) fail(cfg *DecoderConfig, in []byte, err *Error) (Message, int, error) {
	if d.partial == nil {
		d.partial = cfg.take()
	}
	d.partial.release()
	*d.partial = partial{failed: err}
	return Message{}, len(in), err
}
