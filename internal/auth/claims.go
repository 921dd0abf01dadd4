package auth

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/wsedge/wsedge/internal/channel"
)

// Bounds of claims: what a client's identity may take, some 10 KB at worst and mostly nothing.
const (
	maxUserBytes    = 255
	maxTokenIDBytes = 128
	maxIssuerBytes  = 512
	maxAudience     = 16
	maxChannels     = 128
	maxGrants       = 64
	maxInfoBytes    = 1 << 10
	maxUnixTime     = 253402300799 // 9999-12-31T23:59:59Z
)

// claims are a token's payload (RFC 7519, section 4), each of the right kind. Whether they are good is another question.
type claims struct {
	Identity
	issuer    string
	audience  []string
	notBefore time.Time // zero: none
	channel   string    // of a subscription token: the channel, or "prefix*"
}

// readClaims reads a payload whose signature is good. Claims it does not know are ignored (RFC 7519, section 4).
func readClaims(payload []byte) (*claims, *Error) {
	members, err := object(payload)
	if err != nil {
		return nil, refuse(ReasonClaims, err.Error())
	}
	var c claims
	for _, f := range []struct {
		name string
		want string
		read func(json.RawMessage) bool
	}{
		{"sub", "a string of at most 255 bytes", textInto(&c.User, maxUserBytes)},
		{"jti", "a string of at most 128 bytes", textInto(&c.TokenID, maxTokenIDBytes)},
		{"iss", "a string of at most 512 bytes", textInto(&c.issuer, maxIssuerBytes)},
		{"exp", "a whole number of seconds since 1970", timeInto(&c.Expires)},
		{"iat", "a whole number of seconds since 1970", timeInto(&c.Issued)},
		{"nbf", "a whole number of seconds since 1970", timeInto(&c.notBefore)},
		{"aud", "a string or at most 16", func(v json.RawMessage) bool { return readAudience(v, &c.audience) }},
		{"channels", "at most 128 names of channels", func(v json.RawMessage) bool { return readChannels(v, &c.Channels) }},
		{"channel", "a channel, or the beginning of one and *", func(v json.RawMessage) bool { return readPattern(v, &c.channel) }},
		{"grants", "at most 64 of {channel, allow}", func(v json.RawMessage) bool { return readGrants(v, &c.Grants) }},
		{"info", "at most 1 KiB of JSON", func(v json.RawMessage) bool { c.Info = v; return len(v) <= maxInfoBytes }},
	} {
		if value := members[f.name]; value != nil && !f.read(value) {
			return nil, refuse(ReasonClaims, f.name+" must be "+f.want)
		}
	}
	if c.Expires.IsZero() || c.Issued.IsZero() {
		return nil, refuse(ReasonClaims, "exp and iat are required")
	}
	return &c, nil
}

func textInto(into *string, most int) func(json.RawMessage) bool {
	return func(value json.RawMessage) (ok bool) {
		*into, ok = text(value, most)
		return ok
	}
}

// timeInto reads plain digits only: no sign, no fraction, no exponent. 0 counts as 1970.
func timeInto(into *time.Time) func(json.RawMessage) bool {
	return func(value json.RawMessage) bool {
		seconds, err := strconv.ParseUint(string(value), 10, 63)
		if err != nil || seconds > maxUnixTime {
			return false
		}
		*into = time.Unix(int64(seconds), 0)
		return true
	}
}

// elements takes an array of at most most elements apart.
func elements(value json.RawMessage, most int) (list []json.RawMessage, ok bool) {
	if value[0] != '[' || json.Unmarshal(value, &list) != nil {
		return nil, false
	}
	return list, len(list) <= most
}

func readAudience(value json.RawMessage, into *[]string) bool {
	if value[0] == '"' {
		value = append(append(json.RawMessage{'['}, value...), ']')
	}
	list, ok := elements(value, maxAudience)
	if !ok {
		return false
	}
	*into = make([]string, 0, len(list)) // not nil: an empty audience is nobody, and not everybody
	for _, element := range list {
		one, ok := text(element, maxIssuerBytes)
		if !ok {
			return false
		}
		*into = append(*into, one)
	}
	return true
}

func readChannels(value json.RawMessage, into *[]string) bool {
	list, ok := elements(value, maxChannels)
	for _, element := range list {
		name, isText := text(element, channel.MaxNameBytes)
		if !isText || !channel.ValidName(name) {
			return false
		}
		*into = append(*into, name)
	}
	return ok
}

func readPattern(value json.RawMessage, into *string) (ok bool) {
	*into, ok = text(value, channel.MaxNameBytes+1)
	return ok && ValidPattern(*into)
}

// readGrants refuses what it does not understand: a member that was to restrict the grant must not be overlooked.
func readGrants(value json.RawMessage, into *[]Grant) bool {
	list, ok := elements(value, maxGrants)
	for _, element := range list {
		members, err := object(element)
		if err != nil || len(members) != 2 || members["channel"] == nil || members["allow"] == nil {
			return false
		}
		var g Grant
		if !readPattern(members["channel"], &g.Channel) {
			return false
		}
		words, isArray := elements(members["allow"], len(actions))
		for _, word := range words {
			name, _ := text(word, maxUserBytes)
			action, known := actions[name]
			if !known {
				return false
			}
			g.Allow |= action
		}
		if !isArray {
			return false
		}
		*into = append(*into, g)
	}
	return ok
}
