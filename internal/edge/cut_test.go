package edge

import (
	"bytes"
	"math/rand/v2"
	"sync/atomic"
)

// cut says what becomes of what a node says to others.
type cut struct {
	off  atomic.Bool  // nothing is said, or heard
	mute atomic.Bool  // no answers are said
	lost atomic.Int64 // per cent of what is said
}

func (c *cut) loses(data []byte) bool {
	return c.off.Load() || rand.Int64N(100) < c.lost.Load() || c.mute.Load() && bytes.Contains(data, []byte(`"kind":"answer"`))
}
