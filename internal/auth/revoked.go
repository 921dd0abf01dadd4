package auth

import (
	"errors"
	"sync"
	"time"
)

// maxRevoked bounds what is remembered of revocations, at some 150 B each.
const maxRevoked = 100_000

// ErrFull says that nothing more can be remembered as revoked. What was asked for is not in force.
var ErrFull = errors.New("auth: too many revocations")

// revocations remembers which users' and which tokens do not count any more. Safe from any goroutine.
type revocations struct {
	// Guarded by mu.
	mu     sync.RWMutex
	users  map[string]time.Time // tokens issued until then, to the second
	tokens map[string]time.Time // when it was revoked
	purged time.Time            // when last
}

// add remembers a revocation, and returns it as it is in force; fresh tells that it was not before.
func (r *revocations) add(what Revocation, now time.Time, keep time.Duration) (inForce Revocation, fresh bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	into, name := &r.tokens, what.Token
	if what.User != "" {
		into, name = &r.users, what.User
	}
	at, known := (*into)[name]
	if !known && len(r.users)+len(r.tokens) >= maxRevoked {
		r.purge(now, keep)
		if len(r.users)+len(r.tokens) >= maxRevoked {
			return what, false, ErrFull
		}
	}
	if *into == nil {
		*into = make(map[string]time.Time)
	}
	if fresh = what.At.After(at); fresh { // a clock that was set back must not bring tokens back
		(*into)[name], at = what.At, what.At
	}
	what.At = at
	return what, fresh, nil
}

// all are those that are remembered.
func (r *revocations) all() []Revocation {
	r.mu.RLock()
	defer r.mu.RUnlock()
	list := make([]Revocation, 0, len(r.users)+len(r.tokens))
	for user, at := range r.users {
		list = append(list, Revocation{User: user, At: at})
	}
	for id, at := range r.tokens {
		list = append(list, Revocation{Token: id, At: at})
	}
	return list
}

// purge forgets what no valid token can be hit by any more; at most once a second, because it looks at all. The caller holds mu.
func (r *revocations) purge(now time.Time, keep time.Duration) {
	if since := now.Sub(r.purged); 0 <= since && since < time.Second {
		return
	}
	r.purged = now
	for _, list := range []map[string]time.Time{r.users, r.tokens} {
		for name, at := range list {
			if now.Sub(at) > keep {
				delete(list, name)
			}
		}
	}
}

// sweep forgets what is too old.
func (r *revocations) sweep(now time.Time, keep time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.purge(now, keep)
}

// hit tells whether a token does not count any more.
func (r *revocations) hit(user, id string, issued time.Time) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if _, revoked := r.tokens[id]; revoked && id != "" {
		return true
	}
	at, revoked := r.users[user]
	return revoked && user != "" && issued.Unix() <= at.Unix()
}

func (r *revocations) count() int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return len(r.users) + len(r.tokens)
}
