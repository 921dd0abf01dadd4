package edge

import (
	"encoding/json"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wsedge/wsedge/internal/cluster"
	"github.com/wsedge/wsedge/internal/limit"
)

// Limits of users, API keys and addresses hold over all nodes, about: once a second each node tells the others who has taken a part worth telling, and they count that as
// if it had been taken here.

const (
	topicShares = "shares"
	sharesEvery = time.Second
	// sharesLife is how long a node's connections count when it has not told of them again: as short as can be, because those of a node that died come back elsewhere.
	sharesLife = 2*sharesEvery + sharesEvery/2
	// maxShares bounds what a node tells of each kind, the largest first: four kinds of some 55 B each make 110 KB a second at worst.
	maxShares = 500
	// leastTaken is which part of a rate is worth telling: 2 %. Less, from each of the other nodes, is what a user may have too much.
	leastTaken = sharesEvery / 50
	// leastPart is likewise for connections: a fourth of the limit, and two at least.
	leastPart = 4
	// maxDebt is how much of a rate can be owed for what was taken elsewhere. It is paid back by waiting, and so holds up to some ten nodes to a rate together, on each
	// of which somebody takes as much as there is.
	maxDebt = 30 * time.Second
	// maxTaken is the most that a node can have taken of a rate since it told last: a full bucket, and what has been refilled.
	maxTaken = rateSeconds*time.Second + 2*sharesEvery
)

// sharesTold is what a node tells the others.
type sharesTold struct {
	At        int64         `json:"at,omitempty"` // when, by the clock of who tells, in nanoseconds
	UserRates []limit.Share `json:"user_rates,omitempty"`
	KeyRates  []limit.Share `json:"key_rates,omitempty"`
	Users     []limit.Share `json:"users,omitempty"`
	Addresses []limit.Share `json:"addresses,omitempty"`
}

// elsewhere is how many connections keys have on other nodes. The zero value is empty. Safe from any goroutine.
type elsewhere struct {
	counts atomic.Pointer[map[limit.Key]int64]
}

func (e *elsewhere) of(k limit.Key) int {
	if counts := e.counts.Load(); counts != nil {
		return int((*counts)[k])
	}
	return 0
}

// set replaces the counts by the sum of those of the nodes.
func (e *elsewhere) set(parts [][]limit.Share) {
	if len(parts) == 0 {
		e.counts.Store(nil)
		return
	}
	counts := make(map[limit.Key]int64)
	for _, part := range parts {
		for _, s := range part {
			counts[s.Key] += s.N
		}
	}
	e.counts.Store(&counts)
}

// shares are what nodes tell each other of their limits. Safe from any goroutine.
type shares struct {
	server *Server // immutable

	mu   sync.Mutex
	told map[string]*heardShares // guarded by mu: of each other node, its connections
}

// heardShares is what a node has told last.
type heardShares struct {
	users, addresses []limit.Share
	at               time.Time
	theirs, ours     int64 // when it was told, by the clock of who has told it, and by that of buckets
}

// toldAt is when something was told, by the clock of buckets, if it is now: what waited while this node was stopped, or could not be reached, comes at once. Between two clocks there is no
// telling what is late but by what was told before; they differ by less than a hundredth.
func (h *heardShares) toldAt(theirs, now int64) int64 {
	if h == nil || theirs <= h.theirs {
		return now
	}
	since := min(theirs-h.theirs, int64(time.Hour))
	return min(now, h.ours+since+since/100)
}

// hearShares takes what other nodes tell, if there may be any.
func (s *Server) hearShares() {
	if s.cluster == nil {
		return
	}
	s.shares = &shares{server: s, told: make(map[string]*heardShares)}
	s.cluster.Handle(topicShares, s.shares.hear)
	s.cluster.OnChange(func(c cluster.Change) {
		if c.What == cluster.Left {
			s.shares.forget(c.Node.ID)
		}
	})
}

// run tells the others, until the server has ended.
func (h *shares) run() {
	ticker := time.NewTicker(sharesEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			h.tell()
			h.sum(time.Now())
		case <-h.server.done:
			return
		}
	}
}

// tell tells what has been taken here since the last time, and what connections there are. Without other nodes nothing is looked at.
func (h *shares) tell() {
	m := h.server.limiter
	others := len(h.server.cluster.Nodes()) > 0
	m.userMessages.Track(others)
	m.apiKeys.Track(others)
	told := sharesTold{At: m.clock(), UserRates: m.userMessages.Taken(leastTaken, maxShares), KeyRates: m.apiKeys.Taken(leastTaken, maxShares)}
	if !others {
		return
	}
	l := m.limits()
	if l.ConnsPerUser > 0 {
		told.Users = m.users.Most(max(2, l.ConnsPerUser/leastPart), maxShares)
	}
	if l.ConnsPerAddress > 0 {
		told.Addresses = m.addresses.Most(max(2, l.ConnsPerAddress/leastPart), maxShares)
	}
	if len(told.UserRates)+len(told.KeyRates)+len(told.Users)+len(told.Addresses) > 0 {
		_ = h.server.cluster.Tell(topicShares, told) // what is not told is a bit too much for somebody
	}
}

// hear takes what another node tells.
func (h *shares) hear(from string, body []byte) {
	told, ok := readShares(body)
	if !ok {
		return
	}
	m := h.server.limiter
	h.mu.Lock()
	at := h.told[from].toldAt(told.At, m.clock())
	h.told[from] = &heardShares{told.Users, told.Addresses, time.Now(), told.At, at}
	h.mu.Unlock()
	debit := func(r *limit.Rates, shares []limit.Share) {
		for _, s := range shares {
			r.Debit(s.Key, time.Duration(s.N), maxDebt, at)
		}
	}
	debit(m.userMessages, told.UserRates)
	debit(m.apiKeys, told.KeyRates)
}

// readShares reads what another node, or one of another version, tells: no more of it than a node can have.
func readShares(body []byte) (told sharesTold, ok bool) {
	if json.Unmarshal(body, &told) != nil {
		return told, false
	}
	for _, part := range []struct {
		shares *[]limit.Share
		most   int64
	}{{&told.UserRates, int64(maxTaken)}, {&told.KeyRates, int64(maxTaken)}, {&told.Users, countedKeys}, {&told.Addresses, countedKeys}} {
		list := (*part.shares)[:min(len(*part.shares), maxShares)]
		for i := range list {
			list[i].N = min(max(list[i].N, 0), part.most)
		}
		*part.shares = list
	}
	return told, true
}

// forget forgets a node that has left.
func (h *shares) forget(node string) {
	h.mu.Lock()
	delete(h.told, node)
	h.mu.Unlock()
	h.sum(time.Now())
}

// sum sums up the connections of nodes that have told of them lately.
func (h *shares) sum(now time.Time) {
	var users, addresses [][]limit.Share
	h.mu.Lock()
	defer h.mu.Unlock()
	for node, heard := range h.told {
		if now.Sub(heard.at) > sharesLife {
			heard.users, heard.addresses = nil, nil
			if !h.server.cluster.Has(node) { // else it goes on to tell when that was
				delete(h.told, node)
			}
			continue
		}
		users, addresses = append(users, heard.users), append(addresses, heard.addresses)
	}
	h.server.limiter.usersElsewhere.set(users)
	h.server.limiter.addressesElsewhere.set(addresses)
}

// nameKey is the key of a user, or of an API key's name.
func (m *limiter) nameKey(name string) limit.Key {
	if m.shared {
		return limit.SharedKey(name)
	}
	return limit.NameKey(name)
}

// sharedRate is a rate of which other nodes may take, too.
func (m *limiter) sharedRate(perSecond int) limit.Rate {
	r := limit.PerSecond(perSecond, rateSeconds)
	if m.shared {
		r = r.WithDebt(maxDebt)
	}
	return r
}
