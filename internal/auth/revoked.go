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

// revokeUser refuses the user's tokens that were issued at now or before, in whatever second that is.
func (r *revocations) revokeUser(user string, now time.Time, keep time.Duration) error {
	return r.add(&r.users, user, now, keep)
}

// revokeToken refuses the tokens of that id.
func (r *revocations) revokeToken(id string, now time.Time, keep time.Duration) error {
	return r.add(&r.tokens, id, now, keep)
}

func (r *revocations) add(into *map[string]time.Time, name string, now time.Time, keep time.Duration) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := (*into)[name]; !known && len(r.users)+len(r.tokens) >= maxRevoked {
		r.purge(now, keep)
		if len(r.users)+len(r.tokens) >= maxRevoked {
			return ErrFull
		}
	}
	if *into == nil {
		*into = make(map[string]time.Time)
	}
	if now.After((*into)[name]) { // a clock that was set back must not bring tokens back
		(*into)[name] = now
	}
	return nil
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
