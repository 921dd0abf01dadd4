package auth

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/wsedge/wsedge/internal/channel"
)

// Backend is who presented a good API key. Immutable.
type Backend struct {
	Name     string
	Rate     int // requests a second; 0: any number
	digest   [sha256.Size]byte
	scopes   []Scope
	prefixes []string
}

// Allows tells whether the key opens what is in scope.
func (b *Backend) Allows(scope Scope) bool {
	return slices.Contains(b.scopes, scope) || slices.Contains(b.scopes, ScopeAll)
}

// Scopes are what the key opens, as it was configured. Not to be changed.
func (b *Backend) Scopes() []Scope { return b.scopes }

// Restricted tells whether the key is good for some channels only.
func (b *Backend) Restricted() bool { return len(b.prefixes) > 0 }

// AllowsChannel tells whether the key is good for the channel of that name.
func (b *Backend) AllowsChannel(name string) bool {
	return !b.Restricted() || slices.ContainsFunc(b.prefixes, func(p string) bool { return strings.HasPrefix(name, p) })
}

// newBackends reads the configured API keys, and reports all that is wrong with them.
func newBackends(configured []APIKey) (backends []*Backend, problems []error) {
	names := make(map[string]bool)
	for i := range configured {
		k := &configured[i]
		b, wrong := k.parse()
		if names[k.Name] {
			wrong = append(wrong, errors.New("there is another key of that name"))
		}
		names[k.Name] = true
		for _, err := range wrong {
			problems = append(problems, fmt.Errorf("API key %q: %w", k.Name, err))
		}
		backends = append(backends, b)
	}
	return backends, problems
}

func (k *APIKey) parse() (b *Backend, problems []error) {
	wrong := func(text string) { problems = append(problems, errors.New(text)) }
	b = &Backend{Name: k.Name, Rate: k.Rate, scopes: k.Scopes, prefixes: k.Channels}
	if k.Name == "" || len(k.Name) > 64 || strings.ContainsFunc(k.Name, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		wrong("want a name of 1 to 64 characters")
	}
	if k.Rate < 0 || k.Rate > maxAPIRate {
		wrong(fmt.Sprintf("rate %d: want 0, for none, to %d requests a second", k.Rate, maxAPIRate))
	}
	switch {
	case (k.Secret == "") == (k.SHA256 == ""):
		wrong("want either a secret or its SHA-256")
	case k.Secret != "" && (len(k.Secret) < minAPIKeyBytes || len(k.Secret) > maxAPIKeyBytes || strings.TrimSpace(k.Secret) != k.Secret):
		wrong("want a secret of 16 to 512 characters, without space around it")
	case k.Secret != "":
		b.digest = sha256.Sum256([]byte(k.Secret))
	default:
		if n, err := hex.Decode(b.digest[:], []byte(k.SHA256[:min(len(k.SHA256), 2*sha256.Size)])); err != nil || n != sha256.Size || len(k.SHA256) != 2*sha256.Size {
			wrong("want the SHA-256 as 64 hex digits")
		}
		if b.digest == sha256.Sum256(nil) {
			wrong("that is the SHA-256 of nothing")
		}
	}
	if len(k.Scopes) == 0 {
		wrong("want scopes: publish, manage, read or all")
	}
	for _, s := range k.Scopes {
		if !slices.Contains([]Scope{ScopePublish, ScopeManage, ScopeRead, ScopeAll}, s) {
			wrong(fmt.Sprintf("scope %q: want publish, manage, read or all", s))
		}
	}
	if len(k.Channels) > maxScopePrefixes {
		wrong(fmt.Sprintf("more than %d beginnings of channels", maxScopePrefixes))
	}
	for _, p := range k.Channels {
		if !channel.ValidName(p) {
			wrong(fmt.Sprintf("%q is not the beginning of a channel", p))
		}
	}
	return b, problems
}

// find returns whose key was presented, nil for nobody. It compares with all of them, each in constant time.
func find(backends []*Backend, presented string) (found *Backend) {
	if presented == "" || len(presented) > maxAPIKeyBytes {
		return nil
	}
	digest := sha256.Sum256([]byte(presented))
	for _, b := range backends {
		if subtle.ConstantTimeCompare(b.digest[:], digest[:]) == 1 {
			found = b
		}
	}
	return found
}
