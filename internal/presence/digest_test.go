package presence

import (
	"fmt"
	"testing"

	"github.com/wsedge/wsedge/internal/hub"
)

// Whatever differs is found in its bucket, and nothing else; in whatever order it was added.
func TestDigest(t *testing.T) {
	of := func(names []int, tally func(i int) hub.Tally) (d digest) {
		for _, i := range names {
			d.add(nameHash(fmt.Sprint("chat:", i)), tally(i))
		}
		return d
	}
	plain := func(i int) hub.Tally { return hub.Tally{Version: uint64(i + 1), Count: i % 3} }
	a := of([]int{0, 1, 2, 3, 4}, plain)
	if b := of([]int{3, 1, 4, 0, 2}, plain); a.differs(b.bytes()) != nil {
		t.Error("the order matters")
	}
	bucket := bucketOf(nameHash("chat:2"))
	for name, b := range map[string]digest{
		"missing": of([]int{0, 1, 3, 4}, plain),
		"version": of([]int{0, 1, 2, 3, 4}, func(i int) hub.Tally {
			return hub.Tally{Version: uint64(i+1) + uint64(i/2%2*(1-i%2)*8*(4-i)), Count: i % 3}
		}),
		"count": of([]int{0, 1, 2, 3, 4}, func(i int) hub.Tally { return hub.Tally{Version: uint64(i + 1), Count: i%3 + i/2%2*(1-i%2)} }),
	} {
		m := a.differs(b.bytes())
		for i := range buckets {
			if m == nil || m.has(i) != (i == bucket) {
				t.Fatalf("%s: bucket %d, wanted is %d: %v", name, i, bucket, m)
			}
		}
	}
	if a.differs([]byte("of another version")) != nil {
		t.Error("a digest of another length")
	}
	if m := (mask{1}); m.has(100) || !mask(nil).has(100) {
		t.Error("a mask that is short, and that of all")
	}
}
