package loadtest

import (
	"fmt"
	"slices"
	"testing"
)

func TestChunkCache(t *testing.T) {
	var c chunkCache
	if c.find([]byte("a")) != nil {
		t.Error("found something in an empty cache")
	}
	in := []byte("read 0")
	for i := range 6 {
		in[5] = byte('0' + i)
		c.keep(in, []arrival{{stamp{Sequence: uint32(i)}, 3}, {stamp{Sequence: 9}, 4}})
	}
	for i := range 6 {
		got := c.find([]byte(fmt.Sprintf("read %d", i)))
		var want []arrival
		if i >= 2 { // the last four are kept
			want = []arrival{{stamp{Sequence: uint32(i)}, 3}, {stamp{Sequence: 9}, 4}}
		}
		if !slices.Equal(got, want) {
			t.Errorf("read %d: got %v, want %v", i, got, want)
		}
	}
	if c.find([]byte("read 5 ")) != nil || c.find([]byte("read")) != nil {
		t.Error("found a read of another length")
	}
}
