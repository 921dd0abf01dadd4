//go:build wsedge_debug

package pool

import "testing"

func TestDebugCatchesMisuse(t *testing.T) {
	b := Get(10)
	b.Write([]byte("secret"))
	view := b.Bytes()
	b.Release()
	if view[0] != poison {
		t.Errorf("released byte = %#x, want poison", view[0])
	}
	mustPanic(t, "second Release", b.Release)
	held.buffers.Store(0)
	mustPanic(t, "Bytes after Release", func() { b.Bytes() })
	mustPanic(t, "Write after Release", func() { b.Write(nil) })
}
