package pool

import (
	"sync"
	"sync/atomic"
)

// Shared is a reference-counted byte string: written by its first owner, then read by many. Retain and Release are safe
// from any goroutine that holds a reference.
type Shared struct {
	// Immutable once a second reference exists.
	buf     *Buffer
	account *atomic.Int64 // has charged added until the last Release; nil: none
	charged int64

	// Shared: atomic.
	refs atomic.Int32
}

var sharedPool = sync.Pool{New: func() any { return new(Shared) }}

// NewShared returns an empty shared buffer with room for at least size bytes and one reference, which the caller owns.
func NewShared(size int) *Shared {
	s := sharedPool.Get().(*Shared)
	s.buf = fromClass(size)
	debugGet(s.buf)
	s.refs.Store(1)
	held.shared.Add(1)
	return s
}

// Write appends p. Only the first owner may write, and only while it is the sole one.
func (s *Shared) Write(p []byte) (int, error) { return s.buf.Write(p) }

// Storage returns the empty, writable storage for an append-style encoder; SetBytes takes the result back. The same rule
// as for Write holds.
func (s *Shared) Storage() []byte {
	debugUse(s.buf)
	return s.buf.B[:0]
}

// SetBytes makes b the content. Where an append has outgrown Storage, the new storage is taken over from the caller.
func (s *Shared) SetBytes(b []byte) { s.buf.B = b }

// Bytes returns the content. It is valid while the caller holds a reference.
func (s *Shared) Bytes() []byte { return s.buf.Bytes() }

// Len is the number of bytes held.
func (s *Shared) Len() int { return len(s.buf.B) }

// sharedOverhead is what a Shared and the references to it in queues cost beside its storage, roughly, in bytes.
const sharedOverhead = 256

// weight is what the Shared costs in memory.
func (s *Shared) weight() int64 { return int64(cap(s.buf.B)) + sharedOverhead }

// Charge adds to account what the Shared costs in memory, in bytes, until it is freed. Only the first owner may call it, when
// the content is complete, and again, with the same account, when he has added to it.
func (s *Shared) Charge(account *atomic.Int64) {
	weight := s.weight()
	account.Add(weight - s.charged)
	s.account, s.charged = account, weight
}

// Retain adds a reference. The caller must hold one already.
func (s *Shared) Retain() {
	if s.refs.Add(1) < 2 {
		panic("pool: Retain of a released Shared")
	}
}

// Release gives one reference back; the last one frees the bytes.
func (s *Shared) Release() {
	switch refs := s.refs.Add(-1); {
	case refs > 0:
		return
	case refs < 0:
		panic("pool: Release of a released Shared")
	}
	held.shared.Add(-1)
	if s.account != nil {
		s.account.Add(-s.charged)
		s.account, s.charged = nil, 0
	}
	debugRelease(s.buf)
	toClass(s.buf)
	if !debug { // under debug a released Shared stays dead, so that a late Release is caught
		s.buf = nil
		sharedPool.Put(s)
	}
}
