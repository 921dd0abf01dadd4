package edge

import (
	"net/http"
	"net/netip"
	"time"

	"github.com/wsedge/wsedge/internal/api"
	"github.com/wsedge/wsedge/internal/auth"
	"github.com/wsedge/wsedge/internal/limit"
)

// wrongKeyRate is how many requests a second one address may make to the API without a good key; two seconds' worth may come at once. Above
// it nothing from there is looked at until the rate has room again. A backend presents the right key with its first request, so that only
// who shares its address with somebody who guesses is held up.
const wrongKeyRate = 10

// api are the limits that the API is held to.
func (m *limiter) api() api.Limits {
	return api.Limits{
		Requests: func() int { return m.limits().APIRequests }, Refused: m.refusals.Count,
		Rate: m.apiKey, MayTry: m.mayTryKey, Failed: m.keyFailed,
	}
}

// apiKey takes a request from the rate of a key. It goes by the key's name, and so on where the key is replaced by a reload.
func (m *limiter) apiKey(key *auth.Backend) (wait time.Duration, ok bool) {
	if key.Rate == 0 {
		return 0, true
	}
	return m.apiKeys.Take(m.nameKey(key.Name), m.sharedRate(key.Rate), m.clock())
}

// mayTryKey tells whether the key that a request presents may be looked at, or how long not.
func (m *limiter) mayTryKey(r *http.Request) (wait time.Duration, ok bool) {
	key, ok := requestKey(r)
	if !ok {
		return 0, true
	}
	return m.wrongKeys.Peek(key, limit.PerSecond(wrongKeyRate, rateSeconds), m.clock())
}

// keyFailed counts a request without a good key.
func (m *limiter) keyFailed(r *http.Request) {
	if key, ok := requestKey(r); ok {
		_, _ = m.wrongKeys.Take(key, limit.PerSecond(wrongKeyRate, rateSeconds), m.clock()) // whoever is above it hears of that the next time
	}
}

// requestKey is whom the limits of an address are for; none for a peer on a Unix socket.
func requestKey(r *http.Request) (key limit.Key, ok bool) {
	if address, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		return limit.AddressKey(address.Addr()), true
	}
	address, err := netip.ParseAddr(r.RemoteAddr) // as a proxy may name it
	return limit.AddressKey(address), err == nil
}
