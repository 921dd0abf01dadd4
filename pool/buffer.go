package pool

import (
	"sync/atomic"

	"github.com/valyala/bytebufferpool"
)

// Size classes are powers of four from 256 B to 1 MiB: at most four times what was asked for is held, and seven pools
// are few enough that each stays warm. Larger buffers go back to the garbage collector, so that one 16 MiB message does
// not pin 16 MiB for good.
const (
	minClassBytes = 256
	maxClassBytes = 1 << 20
	numClasses    = 7
)

var classes [numClasses]bytebufferpool.Pool

// Buffer is a byte buffer with one owner. It has the layout of bytebufferpool's, so that taking one from a pool costs no
// second object.
type Buffer bytebufferpool.ByteBuffer

// Get returns an empty buffer with room for at least size bytes. The caller takes ownership.
func Get(size int) *Buffer {
	held.buffers.Add(1)
	b := fromClass(size)
	debugGet(b)
	return b
}

// fromClass takes storage out of the class that fits, without counting it.
func fromClass(size int) *Buffer {
	c := classOf(size)
	if c < 0 {
		return &Buffer{B: make([]byte, 0, size)}
	}
	b := (*Buffer)(classes[c].Get())
	if cap(b.B) < classBytes(c) { // fresh: the pool itself does not know the class yet
		b.B = make([]byte, 0, classBytes(c))
	}
	b.B = b.B[:0]
	return b
}

// Write appends p and grows by whole classes. It never fails; the error is there for io.Writer.
func (b *Buffer) Write(p []byte) (int, error) {
	debugUse(b)
	if need := len(b.B) + len(p); need > cap(b.B) {
		b.grow(max(need, 2*cap(b.B)))
	}
	b.B = append(b.B, p...)
	return len(p), nil
}

// grow moves the content to storage of at least size bytes and gives the old storage back.
func (b *Buffer) grow(size int) {
	larger := fromClass(size)
	larger.B = append(larger.B, b.B...)
	b.B, larger.B = larger.B, b.B
	toClass(larger)
}

// Bytes returns the content. It is valid until the next Write or Release.
func (b *Buffer) Bytes() []byte {
	debugUse(b)
	return b.B
}

// Len is the number of bytes written.
func (b *Buffer) Len() int { return len(b.B) }

// Reset empties the buffer and keeps its storage.
func (b *Buffer) Reset() { b.B = b.B[:0] }

// Release gives the buffer back. The caller must not touch it, or a slice of it, again.
func (b *Buffer) Release() {
	debugRelease(b)
	held.buffers.Add(-1)
	toClass(b)
}

func toClass(b *Buffer) {
	c := classOf(cap(b.B))
	if c < 0 || cap(b.B) != classBytes(c) {
		return
	}
	// bytebufferpool learns from the length which sizes to keep. It must see the class, not the content: else a run of
	// short contents would teach it to throw every buffer of the class away.
	b.B = b.B[:cap(b.B)]
	classes[c].Put((*bytebufferpool.ByteBuffer)(b))
}

// classOf is the smallest class that holds size bytes, or -1 where none does.
func classOf(size int) int {
	c, room := 0, minClassBytes
	for room < size {
		c, room = c+1, room*4
	}
	if room > maxClassBytes {
		return -1
	}
	return c
}

func classBytes(c int) int { return minClassBytes << (2 * c) }

// Ledger counts what has been taken and not yet released.
type Ledger struct {
	Buffers int64 // sized buffers
	Shared  int64 // shared buffers, each counted once however many references it has
}

var held struct {
	buffers atomic.Int64
	shared  atomic.Int64
}

// Outstanding returns the ledger of the process. Safe from any goroutine.
func Outstanding() Ledger {
	return Ledger{Buffers: held.buffers.Load(), Shared: held.shared.Load()}
}
