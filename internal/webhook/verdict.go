package webhook

import (
	"bytes"
	"errors"
	"unicode"
	"unicode/utf8"

	"github.com/wsedge/wsedge/internal/channel"
	"github.com/wsedge/wsedge/internal/jsonobject"
)

// Bounds of what an answer may say.
const (
	maxAnswerBytes  = 64 << 10
	maxCodeBytes    = 64
	maxMessageBytes = 256
	maxUserBytes    = 255
	maxInfoBytes    = 4 << 10
	maxChannels     = 1024
)

// What a refusal says that does not say it itself, and what one is that nobody has decided on.
const (
	codeDenied      = "permission_denied"
	codeUnavailable = "unavailable"
)

// errAnswer says that an answer can't be understood.
var errAnswer = errors.New("webhook: bad answer")

// Verdict is what has been decided.
type Verdict struct {
	Allow bool
	// Failed tells that the backend did not decide, but the policy on failure.
	Failed bool
	// Code and Message say why not: a word, [a-z][a-z0-9_]*, and a text for people of at most 256 bytes.
	Code, Message string

	// Who the client is, if Connect was allowed: User, at most 255 bytes without control characters; Info, any JSON of at most
	// 4 KiB; and Channels, at most 1,024 that it is to be subscribed to.
	User     string
	Info     []byte
	Channels []string
}

// parseVerdict reads an answer: one object with allow, true or false. A refusal is one whatever else is wrong with it; what is
// wrong with a permission makes it none.
func parseVerdict(answer []byte) (Verdict, error) {
	if jsonobject.Check(answer) != nil {
		return Verdict{}, errAnswer
	}
	m := map[string][]byte{}
	for key, value := range jsonobject.Members(answer) {
		if _, twice := m[string(key)]; twice {
			return Verdict{}, errAnswer // readers differ on which one counts
		}
		m[string(key)] = value
	}
	switch string(m["allow"]) {
	case "true":
		return permission(m)
	case "false":
		return refusal(m), nil
	default:
		return Verdict{}, errAnswer
	}
}

func refusal(m map[string][]byte) Verdict {
	v := Verdict{Code: codeDenied, Message: "the backend refused"}
	if code, ok := jsonobject.String(m["code"]); ok && validCode(code) {
		v.Code = code
	}
	if message, ok := jsonobject.String(m["message"]); ok && message != "" && printable(message, maxMessageBytes) {
		v.Message = message
	}
	return v
}

func validCode(code string) bool {
	for i := range len(code) {
		c := code[i]
		if !('a' <= c && c <= 'z') && (i == 0 || c != '_' && !('0' <= c && c <= '9')) {
			return false
		}
	}
	return code != "" && len(code) <= maxCodeBytes
}

// printable tells whether a text is UTF-8 of at most limit bytes, without control characters.
func printable(s string, limit int) bool {
	if len(s) > limit || !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return false
		}
	}
	return true
}

func permission(m map[string][]byte) (Verdict, error) {
	v := Verdict{Allow: true}
	ok := true
	if user := m["user"]; isGiven(user) {
		if v.User, ok = jsonobject.String(user); !ok || !printable(v.User, maxUserBytes) {
			return Verdict{}, errAnswer
		}
	}
	if info := m["info"]; isGiven(info) {
		if len(info) > maxInfoBytes {
			return Verdict{}, errAnswer
		}
		v.Info = bytes.Clone(info) // it lives longer than the answer
	}
	if channels := m["channels"]; isGiven(channels) {
		if v.Channels, ok = names(channels); !ok {
			return Verdict{}, errAnswer
		}
	}
	return v, nil
}

func isGiven(value []byte) bool { return value != nil && string(value) != "null" }

func names(value []byte) (list []string, ok bool) {
	elements, ok := jsonobject.Elements(value)
	if !ok {
		return nil, false
	}
	for element := range elements {
		name, ok := jsonobject.String(element)
		if !ok || !channel.ValidName(name) || len(list) == maxChannels {
			return nil, false
		}
		list = append(list, name)
	}
	return list, true
}
