package auth

import (
	"errors"
	"time"
)

// Revocation says that tokens do not count any more: a user's, issued until then, or those of an id. Exactly one of the two is set.
type Revocation struct {
	User  string    `json:"user,omitempty"`
	Token string    `json:"token,omitempty"` // its id ("jti")
	At    time.Time `json:"at,omitzero"`     // zero: now
}

// Key is what it is about: a later one with the same key replaces it.
func (r *Revocation) Key() string {
	if r.User != "" {
		return "user " + r.User
	}
	return "token " + r.Token
}

// errNoRevocation says that it is not known what is to be revoked.
var errNoRevocation = errors.New("auth: a revocation names a user or the id of a token")

// Revoke refuses tokens for as long as any of them could be good. It returns what is in force by now, which may be a later one of the same, and whether
// that is news. ErrFull: it is not in force. One of another node may be of a time to come by its clock: of that it keeps no more than tokens are allowed.
func (a *Auth) Revoke(r Revocation) (inForce Revocation, fresh bool, err error) {
	now := a.now()
	if (r.User == "") == (r.Token == "") {
		return r, false, errNoRevocation
	}
	if latest := now.Add(a.Config().Leeway); r.At.After(latest) {
		r.At = latest
	}
	if r.At.IsZero() {
		r.At = now
	}
	if now.Sub(r.At) > a.Keep() { // nothing can be hit by it
		return r, false, nil
	}
	return a.revoked.add(r, now, a.Keep())
}

// Revocations are those that are remembered.
func (a *Auth) Revocations() []Revocation { return a.revoked.all() }

// AwaitRevocations has no token accepted, as ErrUnavailable, until KnowRevocations: what was revoked at other nodes is not known yet.
func (a *Auth) AwaitRevocations() { a.waiting.Store(true) }

// KnowRevocations ends that.
func (a *Auth) KnowRevocations() { a.waiting.Store(false) }

// RevocationsKnown tells whether what was revoked at other nodes is known.
func (a *Auth) RevocationsKnown() bool { return !a.waiting.Load() }

// Keep is how long a token can be good at most that is good now: it was issued up to a leeway ahead, and is taken up to one late.
func (a *Auth) Keep() time.Duration {
	c := a.Config()
	return c.MaxTTL + 2*c.Leeway
}
