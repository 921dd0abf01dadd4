package webhook

import (
	"fmt"
	"slices"
	"strings"
)

// Event is what a backend is asked or told about.
type Event uint8

// The events. The zero Event is none.
const (
	Connect    Event = iota + 1 // asked: may this client come in, and who is it?
	Subscribe                   // asked: may it subscribe to this channel?
	Publish                     // asked: may it publish this?
	Disconnect                  // told: these clients have gone
)

var events = [...]string{Connect: "connect", Subscribe: "subscribe", Publish: "publish", Disconnect: "disconnect"}

// String is the word for it that configurations, requests and metrics use.
func (e Event) String() string { return events[e] }

// MarshalText implements encoding.TextMarshaler.
func (e Event) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (e *Event) UnmarshalText(text []byte) error {
	i := slices.Index(events[:], string(text))
	if i < 1 {
		return fmt.Errorf("%q: want one of %s", text, strings.Join(events[1:], ", "))
	}
	*e = Event(i)
	return nil
}

// Events is a set of events, written as a list with commas.
type Events []Event

// MarshalText implements encoding.TextMarshaler.
func (es Events) MarshalText() ([]byte, error) {
	words := make([]string, len(es))
	for i, e := range es {
		words[i] = e.String()
	}
	return []byte(strings.Join(words, ",")), nil
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (es *Events) UnmarshalText(text []byte) error {
	var list Events
	for word := range strings.SplitSeq(string(text), ",") {
		if word = strings.TrimSpace(word); word == "" {
			continue
		}
		var e Event
		if err := e.UnmarshalText([]byte(word)); err != nil {
			return err
		}
		if !slices.Contains(list, e) {
			list = append(list, e)
		}
	}
	*es = list
	return nil
}

// OnFailure says for which events a client gets its way where the backend can't be asked: none, as the zero value, unless listed.
// It is written as deny, allow (all of them), or a list such as "publish=allow,connect=deny".
type OnFailure struct{ Allow Events }

// deciding are the events that are asked.
var deciding = Events{Connect, Subscribe, Publish}

// MarshalText implements encoding.TextMarshaler.
func (f OnFailure) MarshalText() ([]byte, error) {
	if len(f.Allow) == 0 {
		return []byte("deny"), nil
	}
	words := make([]string, len(f.Allow))
	for i, e := range f.Allow {
		words[i] = e.String() + "=allow"
	}
	return []byte(strings.Join(words, ",")), nil
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (f *OnFailure) UnmarshalText(text []byte) error {
	var allow Events
	for word := range strings.SplitSeq(string(text), ",") {
		name, policy, one := strings.Cut(strings.TrimSpace(word), "=")
		these := deciding
		if one {
			var e Event
			if err := e.UnmarshalText([]byte(name)); err != nil {
				return err
			}
			if e == Disconnect {
				return fmt.Errorf("disconnect is told, and can't be denied")
			}
			these = Events{e}
		} else {
			policy = name
		}
		switch policy {
		case "allow":
			for _, e := range these {
				if !slices.Contains(allow, e) {
					allow = append(allow, e)
				}
			}
		case "deny":
			allow = slices.DeleteFunc(allow, func(e Event) bool { return slices.Contains(these, e) })
		default:
			return fmt.Errorf("%q: want deny, allow, or a list such as publish=allow,connect=deny", word)
		}
	}
	f.Allow = allow
	return nil
}
