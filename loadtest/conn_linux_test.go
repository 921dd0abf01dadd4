package loadtest

import (
	"testing"
	"unsafe"
)

// TestConnSize keeps the sum in the comment of conn.
func TestConnSize(t *testing.T) {
	if size := unsafe.Sizeof(conn{}); unsafe.Sizeof(uintptr(0)) == 8 && size != 40 {
		t.Errorf("a connection has %d bytes, not 40", size)
	}
}
