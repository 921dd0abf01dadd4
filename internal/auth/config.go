package auth

import (
	"errors"
	"fmt"
	"time"
)

// Config says which tokens and API keys are good. With the zero value of everything none is, and nobody is let in.
type Config struct {
	// Keys verify the tokens of clients. A token names its key by "kid"; several keys let a new one come into use while tokens of
	// the old one are still about.
	Keys []Key
	// JWKS fetches keys from their issuer. The zero value: only Keys count.
	JWKS JWKS
	// Issuer is what a token's "iss" must be. Default: anything, or nothing. Required with JWKS.
	Issuer string
	// Audience must be among a token's "aud". Default: a token for some audience is refused, because it is meant for somebody else
	// (RFC 7519, section 4.1.3).
	Audience string
	// Leeway is by how much the clocks of issuer and server may differ, at most 30 s. Default: 5 s; negative: none.
	Leeway time.Duration
	// MaxTTL is how far ahead a token's "exp" may lie. What was revoked is remembered for as long. Default: 24 h. Danger: a token that
	// was stolen is good until it expires, or is revoked.
	MaxTTL time.Duration

	// Anonymous lets clients in that present no token. They have no user, and may do what namespaces allow to anyone.
	Anonymous bool
	// ConnectTimeout is how long a client without a token may take to send one. Default: 5 s.
	ConnectTimeout time.Duration
	// RefreshWindow is how long a client whose token has expired may take to present another. Default: 25 s; negative: none.
	RefreshWindow time.Duration

	// APIKeys open the HTTP API. Default: it is closed.
	APIKeys []APIKey
}

// Key verifies tokens.
type Key struct {
	// ID is what a token names the key by, "kid". Default: it verifies tokens that name none; at most one key can.
	ID string
	// Algorithm is the only one that the key is good for, whatever a token says: HS256, HS384, HS512, RS256, RS384, RS512, ES256,
	// ES384 or EdDSA (RFC 7518, RFC 8037). Required. Danger: verifying by ES384 costs an event loop about 0.7 ms, ten times what the
	// others do, for bad tokens as well.
	Algorithm string
	// Secret is that of HS256, HS384 and HS512: at least 32 bytes, better as many as the hash has. Danger: who knows it makes tokens.
	Secret []byte
	// PublicKeyPEM is the key of the other algorithms, as PEM "PUBLIC KEY" or "CERTIFICATE". RSA: 2,048 to 4,096 bits.
	PublicKeyPEM string
	// ValidUntil is when the key ends to be good, as the last step of a rotation. Default: never.
	ValidUntil time.Time
}

// JWKS says where an issuer publishes its keys (RFC 7517).
type JWKS struct {
	// URL of the key set: https, no user, no fragment. Default: none. Redirects are not followed, proxies of the environment not used.
	URL string
	// CertificatesPEM are the authorities that the URL's server is verified with. Default: the system's.
	CertificatesPEM string
	// AllowPrivate lets the URL's name resolve to a private or loopback address. Danger: who controls the name can then point
	// the server at a service of the internal network.
	AllowPrivate bool
	// Interval is how often the keys are fetched again. Default: 10 min; at least 1 min.
	Interval time.Duration
	// MaxStale is how long keys are used that could not be fetched again. Default: 24 h.
	MaxStale time.Duration
}

// Scope is what an API key opens.
type Scope string

// The scopes.
const (
	ScopePublish Scope = "publish" // publish and broadcast
	ScopeManage  Scope = "manage"  // subscribe, unsubscribe, disconnect and revoke
	ScopeRead    Scope = "read"    // presence, history, channels, client and info
	ScopeAll     Scope = "all"     // all of these, and what has no scope of its own
)

// APIKey opens the HTTP API to a backend.
type APIKey struct {
	// Name is what logs and errors call the key. Required, 1 to 64 characters.
	Name string
	// Secret is what the backend presents, at least 16 characters, or SHA256 is the hash of that in hex. Exactly one. The hash tells
	// whoever reads the configuration nothing, as long as the key is random.
	Secret, SHA256 string
	// Scopes are what the key opens. Required.
	Scopes []Scope
	// Channels restrict the key to channels that begin with one of these. Default: all. A key that is restricted can't be used for what
	// is not about a channel.
	Channels []string
	// Rate is how many requests a second may come with the key; two seconds' worth may come at once. Default: any number.
	Rate int
}

// Bounds of a configuration, and the defaults.
const (
	maxLeeway        = 30 * time.Second
	maxMaxTTL        = 366 * 24 * time.Hour
	maxConfigKeys    = 64
	maxAPIKeys       = 1000
	minSecretBytes   = 32 // RFC 7518, section 3.2 wants the hash's size; for HS384 and HS512 that is more than most issuers have
	minAPIKeyBytes   = 16
	maxAPIKeyBytes   = 512
	maxAPIRate       = 1_000_000
	minJWKSInterval  = time.Minute
	defaultLeeway    = 5 * time.Second
	defaultMaxTTL    = 24 * time.Hour
	defaultTimeout   = 5 * time.Second
	defaultWindow    = 25 * time.Second
	defaultInterval  = 10 * time.Minute
	defaultMaxStale  = 24 * time.Hour
	maxScopePrefixes = 100
)

// ErrConfig says that a Config can't be used as it is.
var ErrConfig = errors.New("auth: invalid configuration")

// Check reports all that is wrong with the configuration together, as an ErrConfig. It quotes no secret.
func (cfg Config) Check() error {
	_, err := New(cfg, time.Now)
	return err
}

// withDefaults fills the fields left zero.
func (cfg Config) withDefaults() Config {
	for _, d := range []struct {
		field     *time.Duration
		byDefault time.Duration
	}{
		{&cfg.Leeway, defaultLeeway}, {&cfg.MaxTTL, defaultMaxTTL}, {&cfg.ConnectTimeout, defaultTimeout},
		{&cfg.RefreshWindow, defaultWindow}, {&cfg.JWKS.Interval, defaultInterval}, {&cfg.JWKS.MaxStale, defaultMaxStale},
	} {
		if *d.field == 0 {
			*d.field = d.byDefault
		}
	}
	cfg.Leeway = max(cfg.Leeway, 0)
	cfg.RefreshWindow = max(cfg.RefreshWindow, 0)
	return cfg
}

// problems are those of the fields that stand for themselves.
func (cfg *Config) problems() (problems []error) {
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if cfg.Leeway > maxLeeway {
		wrong("leeway %v: at most %v", cfg.Leeway, maxLeeway)
	}
	if cfg.MaxTTL < time.Second || cfg.MaxTTL > maxMaxTTL {
		wrong("longest life of tokens %v: from 1s to %v", cfg.MaxTTL, maxMaxTTL)
	}
	if cfg.ConnectTimeout < 0 {
		wrong("time to connect: must not be negative")
	}
	if cfg.JWKS.Interval < minJWKSInterval {
		wrong("JWKS interval %v: at least %v", cfg.JWKS.Interval, minJWKSInterval)
	}
	if cfg.JWKS.MaxStale < 0 {
		wrong("JWKS age: must not be negative")
	}
	if cfg.JWKS.URL != "" && cfg.Issuer == "" {
		wrong("JWKS needs an issuer: whoever shares the key set could make tokens otherwise")
	}
	if len(cfg.Keys) > maxConfigKeys {
		wrong("%d keys: at most %d", len(cfg.Keys), maxConfigKeys)
	}
	if len(cfg.APIKeys) > maxAPIKeys {
		wrong("%d API keys: at most %d", len(cfg.APIKeys), maxAPIKeys)
	}
	return problems
}
