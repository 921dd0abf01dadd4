package auth

import (
	"encoding/json"
	"time"
)

// Explanation is what can be told of a token.
type Explanation struct {
	Algorithm, KeyID string          // as the header has them, without control characters
	Claims           json.RawMessage // the payload as it is, nil where that is no JSON object; nobody may have signed it
	Err              error           // why it is refused; nil where it is good
	Subscription     bool            // it is good for a subscribe, not to connect with
}

// Explain takes a token apart, for people, and verifies it where a is not nil. Not for servers: it reads claims that nobody has vouched
// for.
func Explain(a *Auth, token string) (x Explanation) {
	p, failure := split(token)
	if failure != nil {
		x.Err = failure
		return x
	}
	x.Algorithm, x.KeyID = p.header.algorithm, p.header.kid
	if payload, err := strictly.DecodeString(p.payload); err == nil {
		if _, err := object(payload); err == nil {
			x.Claims = payload
		}
	}
	if a == nil {
		return x
	}
	c, err := a.check(token)
	x.Err = err
	x.Subscription = err == nil && c.channel != ""
	return x
}

// Expiry finds the "exp" of claims that were read, for people.
func (x *Explanation) Expiry() (t time.Time, ok bool) {
	members, err := object(x.Claims)
	if err != nil || members["exp"] == nil {
		return t, false
	}
	return t, timeInto(&t)(members["exp"])
}
