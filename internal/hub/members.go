package hub

import (
	"slices"
	"strings"
	"sync"

	"github.com/wsedge/wsedge/internal/dialect"
	"github.com/wsedge/wsedge/reactor"
)

const (
	// MaxListed is how many members a channel may have so that they are listed, and each told of by a notice of its own. Above it
	// there are only counts: a page of 500 members with their infos is half a megabyte, and 500 joins at once are 125,000 deliveries.
	MaxListed = 500
	// MaxInfoBytes bounds a member's info. A longer one is not kept.
	MaxInfoBytes = 1024
)

// Member is what others may see of a client, the same in all of its channels. Immutable.
type Member struct {
	User string // empty for an anonymous client
	Info []byte // a JSON value of at most MaxInfoBytes; nil: none
}

var anonymous Member

// members are the subscribers of a channel whose namespace keeps them: 8 B for the number and 8 B for the pointer, in a map
// that is two thirds full. It is made with the first of them.
type members struct {
	channel *Channel // immutable

	// Guarded by mu. It is held while a notice is posted, so that notices have the order of what they tell.
	mu       sync.Mutex
	byClient map[uint64]*Member
	notices  *reactor.Topic // nil: nobody has asked for them
	untold   bool           // something has changed that no notice told
	resting  bool           // a count was told, or could not be told, less than noticeGap ago
	afar     *afar          // nil: no other node is concerned
}

// Enter notes that a client is subscribed, and tells the others, but not conn, which is the client's own; as far as the namespace
// wants that. Nothing happens where the client is a member already. m may be nil: nothing is known of the client.
func (c *Channel) Enter(client uint64, m *Member, conn *reactor.Conn) {
	if !c.Options().Members {
		return
	}
	if m == nil {
		m = &anonymous
	}
	if len(m.Info) > MaxInfoBytes {
		m = &Member{User: m.User}
	}
	c.roll().enter(client, m, conn)
}

// Leave notes that a client is not subscribed any more, if it was a member, and tells the others.
func (c *Channel) Leave(client uint64, conn *reactor.Conn) {
	if all := c.members.Load(); all != nil {
		all.leave(client, conn)
	}
}

// Present returns how many members the channel has on this node, and those behind the client id after, in the order of their ids, at most
// limit. Where the namespace keeps no members the count is of the subscribers.
func (c *Channel) Present(after string, limit int) dialect.Members {
	m, _ := c.present(after, limit)
	return m
}

// present is Present, with the version of what it tells: see Report.
func (c *Channel) present(after string, limit int) (m dialect.Members, version uint64) {
	m = dialect.Members{Channel: c.name, Listed: true}
	all := c.members.Load()
	switch {
	case all != nil:
		version = all.list(&m)
	case !c.Options().Members:
		m.Count, m.Listed = c.Subscribers(), false
	}
	cut(&m, after, limit)
	return m, version
}

// cut sorts the clients, and leaves those behind after, at most limit.
func cut(m *dialect.Members, after string, limit int) {
	slices.SortFunc(m.Clients, func(a, b dialect.Present) int { return strings.Compare(a.Client, b.Client) })
	first, found := slices.BinarySearchFunc(m.Clients, after, func(p dialect.Present, id string) int { return strings.Compare(p.Client, id) })
	if found {
		first++
	}
	m.Clients = m.Clients[first:]
	m.More = len(m.Clients) > limit
	m.Clients = m.Clients[:min(limit, len(m.Clients))]
}

// Subscribers is how many conns of this node are subscribed to the channel.
func (c *Channel) Subscribers() int {
	if t := c.topic.Load(); t != nil {
		return t.Subscribers()
	}
	return 0
}

// roll returns the channel's members, made if there were none.
func (c *Channel) roll() *members {
	if all := c.members.Load(); all != nil {
		return all
	}
	c.members.CompareAndSwap(nil, &members{channel: c, byClient: make(map[uint64]*Member)})
	return c.members.Load()
}

func (all *members) enter(client uint64, m *Member, conn *reactor.Conn) {
	all.mu.Lock()
	defer all.mu.Unlock()
	if _, known := all.byClient[client]; known {
		return
	}
	all.byClient[client] = m
	all.stir(client, m, true)
	all.tell(client, m, true, conn)
}

func (all *members) leave(client uint64, conn *reactor.Conn) {
	all.mu.Lock()
	defer all.mu.Unlock()
	m, known := all.byClient[client]
	if !known {
		return
	}
	delete(all.byClient, client)
	if len(all.byClient) == 0 {
		all.byClient = make(map[uint64]*Member) // a map that was large once stays so
	}
	all.stir(client, m, false)
	all.tell(client, m, false, conn)
}

// count is how many members the channel has, as far as is known here. The caller holds mu.
func (all *members) count() int {
	if all.afar == nil {
		return len(all.byClient)
	}
	return len(all.byClient) + all.afar.count
}

// list fills in all members of this node, in no order, if there are not too many.
func (all *members) list(m *dialect.Members) (version uint64) {
	all.mu.Lock()
	defer all.mu.Unlock()
	if all.afar != nil {
		version = all.afar.version
	}
	if m.Count = len(all.byClient); m.Count > MaxListed {
		m.Listed = false
		return version
	}
	m.Clients = make([]dialect.Present, 0, m.Count)
	for client, who := range all.byClient {
		m.Clients = append(m.Clients, all.present(client, who))
	}
	return version
}

func (all *members) present(client uint64, m *Member) dialect.Present {
	return dialect.Present{Client: all.channel.hub.config.Client(client), User: m.User, Info: m.Info}
}
