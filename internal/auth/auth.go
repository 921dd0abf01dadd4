package auth

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"
)

// Auth verifies what clients and backends present. Safe from any goroutine.
type Auth struct {
	// Immutable after New.
	now      func() time.Time
	remote   *remoteKeys // nil without a key set
	rejected map[string]*atomic.Int64

	rules   atomic.Pointer[rules]
	revoked revocations
	waiting atomic.Bool // see AwaitRevocations
}

// rules are what a Config says, made ready. Immutable.
type rules struct {
	config   Config
	ring     keyRing
	backends []*Backend
}

// New makes an Auth, or reports all that is wrong with the configuration, as an ErrConfig. now is the wall clock. With a key set, Run
// must be running.
func New(cfg Config, now func() time.Time) (*Auth, error) {
	r, problems := newRules(cfg)
	a := &Auth{now: now, rejected: make(map[string]*atomic.Int64, len(reasons))}
	for _, reason := range reasons {
		a.rejected[reason] = new(atomic.Int64)
	}
	if cfg.JWKS.URL != "" {
		remote, err := newRemoteKeys(r.config.JWKS, now)
		if err != nil {
			problems = append(problems, err)
		}
		a.remote = remote
	}
	if len(problems) > 0 {
		return nil, fmt.Errorf("%w: %w", ErrConfig, errors.Join(problems...))
	}
	a.rules.Store(r)
	return a, nil
}

func newRules(cfg Config) (*rules, []error) {
	r := &rules{config: cfg.withDefaults()}
	problems := r.config.problems()
	var wrong []error
	r.ring, wrong = newKeyRing(cfg.Keys)
	problems = append(problems, wrong...)
	r.backends, wrong = newBackends(cfg.APIKeys)
	return r, append(problems, wrong...)
}

// Reload replaces the configuration, all of it at once or, with an ErrConfig, nothing. The key set must stay where it is. What was
// revoked stays revoked.
func (a *Auth) Reload(cfg Config) error {
	r, problems := newRules(cfg)
	if r.config.JWKS != a.Config().JWKS {
		problems = append(problems, errors.New("JWKS: can't be changed without a restart"))
	}
	if len(problems) > 0 {
		return fmt.Errorf("%w: %w", ErrConfig, errors.Join(problems...))
	}
	a.rules.Store(r)
	return nil
}

// Config is the configuration in force, its defaults filled in. It is not to be changed.
func (a *Auth) Config() *Config { return &a.rules.Load().config }

// Run fetches the key set, and forgets revocations that can't hit anybody any more, until ctx ends. report gets what went wrong with a
// fetch; it quotes no token.
func (a *Auth) Run(ctx context.Context, report func(error)) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if a.remote != nil {
			a.remote.run(ctx, report)
		}
	}()
	ticker := time.NewTicker(time.Minute)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			a.revoked.sweep(a.now(), a.Keep())
		case <-ctx.Done():
			<-ended
			return
		}
	}
}

// Verify tells whose token it is, or why it is refused: by an *Error or ErrUnavailable. Where a key has to be fetched first the error is
// ErrPending, and later is called exactly once, from another goroutine. Nothing waits.
func (a *Auth) Verify(token string, later func(*Identity, error)) (*Identity, error) {
	return finish(a, token, a.identify, later)
}

// VerifyNow is Verify for who can't wait: where a key has to be fetched first, the error is ErrUnavailable.
func (a *Auth) VerifyNow(token string) (*Identity, error) {
	identity, err := a.identify(token)
	if a.remote != nil && lacksKey(err) {
		if a.remote.request(nil) {
			return nil, ErrUnavailable
		}
		identity, err = a.identify(token) // as in finish
		err = unsure(err)
	}
	a.count(err)
	return identity, err
}

// VerifySubscription does the same for the token of a subscribe command: it must be made for the user of identity.
func (a *Auth) VerifySubscription(token string, identity *Identity, later func(*Subscription, error)) (*Subscription, error) {
	return finish(a, token, func(token string) (*Subscription, error) { return a.subscription(token, identity) }, later)
}

// finish tries, and tries again once the keys have been fetched that it lacked.
func finish[T any](a *Auth, token string, try func(string) (*T, error), later func(*T, error)) (*T, error) {
	result, err := try(token)
	if a.remote != nil && lacksKey(err) {
		if a.remote.request(func() { later(counted(a, try, token)) }) {
			return nil, ErrPending
		}
		result, err = try(token) // a fetch may have ended since, with the key
		err = unsure(err)
	}
	a.count(err)
	return result, err
}

func counted[T any](a *Auth, try func(string) (*T, error), token string) (*T, error) {
	result, err := try(token)
	if a.remote.failed.Load() {
		err = unsure(err)
	}
	a.count(err)
	return result, err
}

func lacksKey(err error) bool {
	var refused *Error
	return errors.Is(err, ErrUnavailable) || errors.As(err, &refused) && refused.Reason == ReasonUnknownKey
}

func (a *Auth) count(err error) {
	var refused *Error
	if errors.As(err, &refused) {
		a.rejected[refused.Reason].Add(1)
	}
}

// identify verifies the token of a connection.
func (a *Auth) identify(token string) (*Identity, error) {
	c, err := a.check(token)
	if err != nil {
		return nil, err
	}
	if c.channel != "" {
		return nil, refuse(ReasonPurpose, "a subscription token is good for subscribe only")
	}
	identity := c.Identity
	return &identity, nil
}

func (a *Auth) subscription(token string, identity *Identity) (*Subscription, error) {
	c, err := a.check(token)
	switch {
	case err != nil:
		return nil, err
	case c.channel == "":
		return nil, refuse(ReasonPurpose, "a subscription token names a channel")
	case identity == nil && c.User != "" || identity != nil && c.User != identity.User:
		return nil, refuse(ReasonSubject, "the subscription token is another user's")
	}
	return &Subscription{c.channel, c.TokenID, c.Issued, c.Expires}, nil
}

// check verifies what all tokens have in common. Claims are read behind the signature.
func (a *Auth) check(token string) (*claims, error) {
	rules, now := a.rules.Load(), a.now()
	p, failure := split(token)
	if failure != nil {
		return nil, failure
	}
	if a.waiting.Load() {
		return nil, ErrUnavailable
	}
	k, err := a.key(rules, p.header.kid)
	if err != nil {
		return nil, err
	}
	payload, failure := p.verify(k, now)
	if failure != nil {
		return nil, failure
	}
	c, failure := readClaims(payload)
	if failure != nil {
		return nil, failure
	}
	if failure := rules.judge(c, now); failure != nil {
		return nil, failure
	}
	if a.revoked.hit(c.User, c.TokenID, c.Issued) {
		return nil, refuse(ReasonRevoked, "the token, or all of the user, was revoked")
	}
	return c, nil
}

// key chooses among the configured keys, then those of the issuer; nil where there is none.
func (a *Auth) key(rules *rules, kid string) (*key, error) {
	if k := rules.ring[kid]; k != nil || a.remote == nil {
		return k, nil
	}
	ring := a.remote.ring()
	if ring == nil {
		return nil, ErrUnavailable
	}
	return ring[kid], nil
}

// judge tells why claims are not good at now.
func (r *rules) judge(c *claims, now time.Time) *Error {
	leeway := r.config.Leeway
	switch {
	case !now.Before(c.Expires.Add(leeway)):
		return refuse(ReasonExpired, "exp has passed")
	case !c.notBefore.IsZero() && now.Add(leeway).Before(c.notBefore):
		return refuse(ReasonNotYet, "nbf has not come yet")
	case now.Add(leeway).Before(c.Issued):
		return refuse(ReasonNotYet, "iat has not come yet")
	case c.Expires.Sub(c.Issued) > r.config.MaxTTL:
		return refuse(ReasonLifetime, "more time lies between iat and exp than is allowed")
	case r.config.Issuer != "" && c.issuer != r.config.Issuer:
		return refuse(ReasonIssuer, "iss is not the issuer that is configured")
	case r.config.Audience == "" && c.audience != nil:
		return refuse(ReasonAudience, "it has an aud, and none is configured")
	case r.config.Audience != "" && !slices.Contains(c.audience, r.config.Audience):
		return refuse(ReasonAudience, "aud does not name the audience that is configured")
	}
	return nil
}

// Backend tells whose API key was presented, nil for nobody's.
func (a *Auth) Backend(presented string) *Backend { return find(a.rules.Load().backends, presented) }

// Current is the API key that b stands for as it is configured now; nil: it is not any more. What was let in by a key can so be held to what
// the key opens today, without the key being kept.
func (a *Auth) Current(b *Backend) *Backend {
	for _, now := range a.rules.Load().backends {
		if now.digest == b.digest {
			return now
		}
	}
	return nil
}

// Revoked tells whether what was verified before is revoked by now.
func (a *Auth) Revoked(user, tokenID string, issued time.Time) bool {
	return a.revoked.hit(user, tokenID, issued)
}

// Recheck tells why an identity that was verified before does not count any more: it has expired, was revoked, or has more time than is allowed by
// now. The error is an *Error.
func (a *Auth) Recheck(identity *Identity) error {
	c := a.Config()
	var failure *Error
	switch {
	case !a.now().Before(identity.Expires.Add(c.Leeway)):
		failure = refuse(ReasonExpired, "exp has passed")
	case identity.Expires.Sub(identity.Issued) > c.MaxTTL:
		failure = refuse(ReasonLifetime, "more time lies between iat and exp than is allowed")
	case a.revoked.hit(identity.User, identity.TokenID, identity.Issued):
		failure = refuse(ReasonRevoked, "the token, or all of the user, was revoked")
	default:
		return nil
	}
	a.count(failure)
	return failure
}

// Stats are an Auth's numbers.
type Stats struct {
	Rejected                map[string]int64 // tokens refused, by reason
	Revocations             int64            // remembered
	KeyFetches, KeyFailures int64            // of the key set
}

// Stats returns what was counted so far.
func (a *Auth) Stats() Stats {
	s := Stats{Rejected: make(map[string]int64, len(a.rejected)), Revocations: int64(a.revoked.count())}
	for reason, n := range a.rejected {
		s.Rejected[reason] = n.Load()
	}
	if a.remote != nil {
		s.KeyFetches, s.KeyFailures = a.remote.fetches.Load(), a.remote.failures.Load()
	}
	return s
}
