package edge

import (
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/wsedge/wsedge/reactor"
)

// clients knows the conns of this node by their client's number, so that an id, which is made from the number only when
// somebody wants to see it, can be found again. A number is a slot (low 32 bits) and how often the slot was used before
// (high 32 bits): an id is never given twice. 16 B a connection, none of it on the heap of the session.
type clients struct {
	// Immutable.
	node string
	born time.Time

	// Guarded by mu.
	mu    sync.Mutex
	slots []clientSlot
	free  uint32 // 1 + index of the first free slot; 0: none
	live  int
}

type clientSlot struct {
	conn *reactor.Conn // nil: free
	uses uint32
	next uint32 // of a free slot: 1 + index of the next one; of a used one: when the client came, in seconds of clients.now
}

func newClients(node string) *clients { return &clients{node: node, born: time.Now()} }

// now is the time since the node's beginning, in seconds: 32 bits last 136 years.
func (cs *clients) now() uint32 { return uint32(time.Since(cs.born) / time.Second) }

// age is for how many seconds the client of a live number has been here.
func (cs *clients) age(number uint64) uint32 {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	return cs.now() - cs.slots[uint32(number)].next
}

// add gives conn a number.
func (cs *clients) add(conn *reactor.Conn) uint64 {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.free == 0 {
		cs.slots = append(cs.slots, clientSlot{})
		cs.free = uint32(len(cs.slots))
	}
	i := cs.free - 1
	slot := &cs.slots[i]
	cs.free, slot.next = slot.next, cs.now()
	slot.conn = conn
	cs.live++
	return uint64(slot.uses)<<32 | uint64(i)
}

// remove takes the number back. It is never given again.
func (cs *clients) remove(number uint64) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	i := uint32(number)
	slot := &cs.slots[i]
	slot.conn = nil
	slot.uses++
	cs.live--
	slot.next, cs.free = cs.free, i+1
}

// count is how many clients there are.
func (cs *clients) count() int {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	return cs.live
}

// id is how a number is written: the node, a dash, and the number in base 36.
func (cs *clients) id(number uint64) string {
	return cs.node + "-" + strconv.FormatUint(number, 36)
}

// number reads an id; false where it is of another node, or no id at all.
func (cs *clients) number(id string) (uint64, bool) {
	digits, ok := strings.CutPrefix(id, cs.node+"-")
	if !ok {
		return 0, false
	}
	number, err := strconv.ParseUint(digits, 36, 64)
	return number, err == nil
}

// nodeOf is the node that a client's id names; what is no id names none.
func nodeOf(id string) string {
	node, _, _ := strings.Cut(id, "-")
	return node
}

// conn finds the conn of a client's id, nil where it is gone, of another node, or no id at all.
func (cs *clients) conn(id string) *reactor.Conn {
	number, ok := cs.number(id)
	if !ok {
		return nil
	}
	cs.mu.Lock()
	defer cs.mu.Unlock()
	i := uint32(number)
	if int64(i) >= int64(len(cs.slots)) || cs.slots[i].uses != uint32(number>>32) {
		return nil
	}
	return cs.slots[i].conn
}

// all are the conns there are.
func (cs *clients) all() (conns []*reactor.Conn) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	for i := range cs.slots {
		if c := cs.slots[i].conn; c != nil {
			conns = append(conns, c)
		}
	}
	return conns
}
