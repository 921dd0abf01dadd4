package reactor

import (
	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/pool"
)

// variant is what the wire bytes of a publication depend on: its form and, within that, the compression class of the conn.
type variant uint8

// maxVariants is the bits of a topic's interest mask.
const maxVariants = 64

// variant returns the variant for conns of a class that are subscribed in form f. The plain ones come first.
func (s *Server) variant(f Form, class deflateClass) variant {
	return variant(int(class)*len(s.cfg.Forms) + int(f))
}

// form returns what variant v is of.
func (s *Server) form(v variant) (Form, deflateClass) {
	n := len(s.cfg.Forms)
	return Form(int(v) % n), deflateClass(int(v) / n)
}

// encoding is one publication on its way to the wire: each variant is made when the first loop asks for it.
type encoding struct {
	srv     *Server
	encoder Encoder
	made    [maxVariants]*pool.Shared // owned
}

// in returns the publication in variant v. The caller borrows it.
func (e *encoding) in(v variant) *pool.Shared {
	if e.made[v] != nil {
		return e.made[v]
	}
	f, class := e.srv.form(v)
	if class == classPlain {
		e.made[v] = newShared(256, func(dst []byte) []byte { return e.encoder.AppendForm(dst, f) })
		e.srv.charge(e.made[v])
		return e.made[v]
	}
	plain := e.in(e.srv.variant(f, classPlain))
	if class == classDialed {
		e.made[v] = newShared(plain.Len()+64, func(dst []byte) []byte { return frame.AppendMaskedFrames(dst, plain.Bytes(), randomKey) })
		e.srv.charge(e.made[v])
		return e.made[v]
	}
	smaller := false
	s := newShared(plain.Len(), func(dst []byte) []byte {
		dst, smaller = e.srv.compress(dst, plain.Bytes(), class)
		return dst
	})
	if smaller {
		e.srv.charge(s)
	} else { // the same bytes
		s.Release()
		s = plain
		s.Retain()
	}
	e.made[v] = s
	return s
}

// release gives everything back.
func (e *encoding) release() {
	for _, s := range e.made {
		if s != nil {
			s.Release()
		}
	}
}

// newShared returns shared bytes, made by an append-style encoder. size is a hint. The caller owns them.
func newShared(size int, appendTo func(dst []byte) []byte) *pool.Shared {
	s := pool.NewShared(size)
	s.SetBytes(appendTo(s.Storage()))
	return s
}
