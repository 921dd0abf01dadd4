package auth

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/wsedge/wsedge/internal/channel"
)

// Action is what a client may do in a channel; a set of them is their sum.
type Action uint8

// The actions.
const (
	Subscribe Action = 1 << iota
	Publish
	Presence
	History
)

// actions are the words for them in grants.
var actions = map[string]Action{"subscribe": Subscribe, "publish": Publish, "presence": Presence, "history": History}

// ParseAction knows the actions' words: subscribe, publish, presence, history.
func ParseAction(word string) (a Action, ok bool) {
	a, ok = actions[word]
	return a, ok
}

// Grant allows actions in a channel, or in all channels that begin with a prefix.
type Grant struct {
	Channel string // a name, or "prefix*"; "*" is all
	Allow   Action
}

// Identity is who a client is. Immutable. The nil Identity is anonymous, and so is one without a User.
type Identity struct {
	User    string // "sub": up to 255 bytes of UTF-8 without control characters; empty for somebody without a name
	TokenID string // "jti"; may be empty
	// Issued and Expires are the token's, to the second. Zero for an anonymous client.
	Issued, Expires time.Time
	// Channels are those that the client is subscribed to by the server.
	Channels []string
	// Grants are what the token allows beyond what namespaces allow to anyone who is authenticated.
	Grants []Grant
	// Info is what the token tells about the user: up to 1 KiB of JSON, nil if nothing.
	Info json.RawMessage
}

// Anonymous tells whether no token stands behind the identity.
func (i *Identity) Anonymous() bool { return i == nil || i.Expires.IsZero() }

// Allows tells whether the client may do action in the channel of that name, whose namespace gives it to access.
func (i *Identity) Allows(action Action, name string, access channel.Access) bool {
	switch access {
	case channel.Anyone:
		return true
	case channel.Authenticated:
		return i != nil && i.User != "" || i.granted(action, name)
	case channel.ByToken:
		return i.granted(action, name)
	default:
		return false
	}
}

func (i *Identity) granted(action Action, name string) bool {
	if i == nil {
		return false
	}
	for _, g := range i.Grants {
		if g.Allow&action == action && MatchPattern(g.Channel, name) {
			return true
		}
	}
	return false
}

// ValidPattern tells whether pattern names a channel, or is the beginning of one, perhaps nothing, with a * behind it.
func ValidPattern(pattern string) bool {
	prefix, wildcard := strings.CutSuffix(pattern, "*")
	return wildcard && prefix == "" || channel.ValidName(prefix)
}

// MatchPattern tells whether a valid pattern is about the channel of that name. It compares bytes: upper and lower case differ.
func MatchPattern(pattern, name string) bool {
	if prefix, wildcard := strings.CutSuffix(pattern, "*"); wildcard {
		return strings.HasPrefix(name, prefix)
	}
	return pattern == name
}

// Subscription is a token's leave to subscribe to a channel, or to those that begin with a prefix. Immutable.
type Subscription struct {
	Channel         string // a name, or "prefix*"
	TokenID         string
	Issued, Expires time.Time
}
