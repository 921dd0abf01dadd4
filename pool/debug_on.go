//go:build wsedge_debug

package pool

import "sync"

const debug = true

// poison fills released bytes: a frame that shows it was used after its release.
const poison = 0xDB

// owned holds every buffer that is out. A buffer that is not in it has been released.
var owned struct {
	mu   sync.Mutex
	bufs map[*Buffer]struct{}
}

func debugGet(b *Buffer) {
	owned.mu.Lock()
	defer owned.mu.Unlock()
	if owned.bufs == nil {
		owned.bufs = make(map[*Buffer]struct{})
	}
	if _, twice := owned.bufs[b]; twice {
		panic("pool: a buffer was handed out twice")
	}
	owned.bufs[b] = struct{}{}
}

func debugUse(b *Buffer) {
	owned.mu.Lock()
	defer owned.mu.Unlock()
	if _, ok := owned.bufs[b]; !ok {
		panic("pool: use after release")
	}
}

func debugRelease(b *Buffer) {
	owned.mu.Lock()
	_, ok := owned.bufs[b]
	delete(owned.bufs, b)
	owned.mu.Unlock()
	if !ok {
		panic("pool: released twice")
	}
	all := b.B[:cap(b.B)]
	for i := range all {
		all[i] = poison
	}
}
