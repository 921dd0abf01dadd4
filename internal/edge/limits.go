package edge

import (
	"errors"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"github.com/wsedge/wsedge/internal/limit"
)

// Limits bound what one address, one user and one client may take, beyond what Config bounds for everybody. In each field 0 is no
// bound, as in development mode; StandardLimits are for everything else. Whoever is above one is refused with a word, and counted.
type Limits struct {
	// ConnsPerAddress is how many WebSockets may be open from one address, IPv6 addresses of one /64 counting as one. Standard 256. It
	// may have as many other sockets, or 64 if that is more: handshakes, and plain HTTP.
	// Danger: behind a proxy that is not among TrustedProxies or ProxyProtocol, all clients have the proxy's address. Peers on a
	// Unix socket that no proxy announces have none, and are not held to it.
	ConnsPerAddress int
	// NodeAcceptRate is how many handshakes a second the node takes, from wherever; two seconds' worth may come at once. Standard: no bound,
	// because clients that all come back at once shall.
	NodeAcceptRate int
	// AcceptRate is how many handshakes a second one address may try; two seconds' worth may come at once. Standard 100. Its table has
	// room for 65,536 addresses: see limit.Rates for what happens above that.
	AcceptRate int
	// ConnsPerUser is how many WebSockets one user may have. Standard 16.
	ConnsPerUser int
	// MessageRate is how many commands a second one client may send; two seconds' worth may come at once. Standard 100.
	MessageRate int
	// UserMessageRate is how many all clients of one user may send together. Standard 400.
	UserMessageRate int
	// APIRequests is how many requests to the API may be under way at once, each of which may hold its body. Standard 256.
	APIRequests int
}

// StandardLimits are the limits of a server that is not in development mode, where its configuration says nothing else.
func StandardLimits() Limits {
	return Limits{ConnsPerAddress: 256, AcceptRate: 100, ConnsPerUser: 16, MessageRate: 100, UserMessageRate: 400, APIRequests: 256}
}

// problems are all that is wrong with the limits.
func (l Limits) problems() (problems []error) {
	for _, f := range []struct {
		name  string
		value int
		most  int
	}{
		{"connections per address", l.ConnsPerAddress, math.MaxInt}, {"handshakes a second per address", l.AcceptRate, limit.MaxPerSecond},
		{"connections per user", l.ConnsPerUser, math.MaxInt}, {"handshakes a second", l.NodeAcceptRate, limit.MaxPerSecond}, {"messages a second", l.MessageRate, limit.MaxPerSecond},
		{"messages a second per user", l.UserMessageRate, limit.MaxPerSecond}, {"API requests at once", l.APIRequests, math.MaxInt},
	} {
		if f.value < 0 {
			problems = append(problems, fmt.Errorf("%s: must not be negative", f.name))
		}
		if f.value > f.most {
			problems = append(problems, fmt.Errorf("%s: must not be more than %d", f.name, f.most))
		}
	}
	return problems
}

// SetLimits changes the limits of a running server, for everybody who is above them with the next thing they do: nobody is
// disconnected. Connections per address or user can be changed, but not switched on or off: who is there was counted, or was
// not. The error names all that is wrong, and then nothing has changed.
func (s *Server) SetLimits(l Limits) error {
	problems := l.problems()
	old := s.limiter.limits()
	if (l.ConnsPerAddress > 0) != (old.ConnsPerAddress > 0) {
		problems = append(problems, errors.New("connections per address: can be switched on or off by a restart only"))
	}
	if (l.ConnsPerUser > 0) != (old.ConnsPerUser > 0) {
		problems = append(problems, errors.New("connections per user: can be switched on or off by a restart only"))
	}
	if len(problems) > 0 {
		return fmt.Errorf("%w: %w", ErrConfig, errors.Join(problems...))
	}
	s.limiter.set(l)
	return nil
}

const (
	// rateSeconds is how many seconds' worth of a rate may come at once.
	rateSeconds = 2
	// ratedKeys bounds the addresses, and the users, whose rates are remembered: 65,536 of some 53 B, 3.5 MB of each table at most.
	ratedKeys = 1 << 16
	// countedKeys bounds the addresses, and the users, that have connections. There are never more than connections.
	countedKeys = 1 << 24
)

// limiter holds what is counted for the Limits. Safe from any goroutine.
type limiter struct {
	// Immutable after newLimiter.
	now   func() time.Time
	began time.Time

	current               atomic.Pointer[Limits]
	addresses, users      *limit.Counters
	sockets               *limit.Counters // by address, those that are no WebSockets
	node                  *limit.Rates    // of one key: handshakes of the node
	accepts, userMessages *limit.Rates
	apiKeys, wrongKeys    *limit.Rates // of the API: by key, and by address
	refusals              limit.Refusals

	shared                             bool      // other nodes count, too; immutable once the server listens
	usersElsewhere, addressesElsewhere elsewhere // connections
}

func newLimiter(l Limits, now func() time.Time) *limiter {
	m := &limiter{
		now: now, began: now().Add(-time.Hour), addresses: limit.NewCounters(countedKeys), users: limit.NewCounters(countedKeys),
		sockets: limit.NewCounters(countedKeys), node: limit.NewRates(1),
		accepts: limit.NewRates(ratedKeys), userMessages: limit.NewRates(ratedKeys), apiKeys: limit.NewRates(ratedKeys), wrongKeys: limit.NewRates(ratedKeys),
	}
	m.set(l)
	return m
}

func (m *limiter) limits() *Limits { return m.current.Load() }

func (m *limiter) set(l Limits) { m.current.Store(&l) }

// clock is what buckets are kept by: nanoseconds that go on evenly whatever is done to the system's clock.
func (m *limiter) clock() int64 { return int64(m.now().Sub(m.began)) }
