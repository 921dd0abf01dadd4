package channel

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Access says who may do something in the channels of a namespace.
type Access uint8

// Who may: each level includes those before it.
const (
	Nobody        Access = iota // no client; the API still may
	ByToken                     // a client whose token grants it for the channel
	Authenticated               // and every client with a user
	Anyone                      // and anonymous clients
)

var accesses = []string{Nobody: "nobody", ByToken: "token", Authenticated: "authenticated", Anyone: "anyone"}

// String is the word for it that configurations use.
func (a Access) String() string { return accesses[a] }

// MarshalText implements encoding.TextMarshaler.
func (a Access) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (a *Access) UnmarshalText(text []byte) error { return oneOf(a, accesses, string(text)) }

// SlowPolicy says what becomes of a subscriber that does not keep up with a channel.
type SlowPolicy uint8

// The policies. What is dropped is announced to clients of a dialect that has a word for gaps.
const (
	Disconnect    SlowPolicy = iota // close 3008: it comes back, and recovers where the channel keeps a history
	DropOldest                      // what has waited longest is dropped
	DropNewest                      // what comes is dropped
	KeepLatest                      // only the last publication waits
	SkipToHistory                   // all that waits is dropped, and sent from the history when the client has caught up
)

var slowPolicies = []string{Disconnect: "disconnect", DropOldest: "drop-oldest", DropNewest: "drop-newest", KeepLatest: "keep-latest", SkipToHistory: "skip-to-history"}

// String is the word for it that configurations use.
func (p SlowPolicy) String() string { return slowPolicies[p] }

// MarshalText implements encoding.TextMarshaler.
func (p SlowPolicy) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *SlowPolicy) UnmarshalText(text []byte) error { return oneOf(p, slowPolicies, string(text)) }

func oneOf[T ~uint8](into *T, words []string, word string) error {
	for i, w := range words {
		if w == word {
			*into = T(i)
			return nil
		}
	}
	return fmt.Errorf("want one of %s", strings.Join(words, ", "))
}

// Options say what the channels of a namespace promise, and to whom. The zero value is closed: no client may do anything, and
// nothing is kept.
type Options struct {
	// Subscribe, Publish, Presence and History say which clients may.
	Subscribe, Publish, Presence, History Access

	// HistorySize is how many publications each channel keeps; 0: none. HistoryAge is how long; 0: however long.
	HistorySize int
	HistoryAge  time.Duration
	// Recover lets clients that come back with a position get what they missed. Needs a history.
	Recover bool
	// Latest gives a new subscriber the channel's last publication at once. Needs a history.
	Latest bool
	// Ack keeps up to where each user has acknowledged, and sends what is behind that again when the user comes back. It includes Recover. Needs a
	// history. AckUsers bounds the users of each channel; 0: DefaultAckUsers.
	Ack      bool
	AckUsers int

	// Members keeps who is subscribed, so that Presence has something to tell; JoinLeave tells the subscribers of who comes
	// and goes. JoinLeave needs Members.
	Members, JoinLeave bool

	// Slow is what becomes of subscribers that do not keep up; SlowMaxAge drops, or disconnects for, what waits longer. 0: only
	// the bounds of the connection count.
	Slow       SlowPolicy
	SlowMaxAge time.Duration

	// MaxMessageBytes bounds the data of a publication; 0: only the bounds of the connection and the API count.
	MaxMessageBytes int64
	// PublishRate is how many publications a second a client may send to the namespace; two seconds' worth may come at once.
	// 0: no bound; at most 1,000,000.
	PublishRate int
}

// DefaultAckUsers is for how many users a channel keeps what they have acknowledged: 1.5 MB.
const DefaultAckUsers = 10_000

// maxPublishRate is the highest that can be kept: a publication a microsecond.
const maxPublishRate = 1_000_000

// Namespaces are the options of channels by the part of their name before the first colon. Immutable.
type Namespaces struct {
	// Default is for channels without a namespace, or of one that is not in ByName while Strict is false.
	Default Options
	// ByName holds the namespaces.
	ByName map[string]*Options
	// Strict leaves channels of unknown namespaces to nobody, instead of to Default.
	Strict bool
}

// Open are the namespaces of development mode: one, in which anyone may do anything.
func Open() *Namespaces {
	return &Namespaces{Default: Options{Subscribe: Anyone, Publish: Anyone, Presence: Anyone, History: Anyone}}
}

// Check says what is wrong with the options, each problem with the namespace that has it.
func (n *Namespaces) Check() (problems []error) {
	check := func(name string, o *Options) {
		for _, p := range o.problems() {
			problems = append(problems, fmt.Errorf("%s: %s", name, p))
		}
	}
	check("default namespace", &n.Default)
	for _, name := range slices.Sorted(maps.Keys(n.ByName)) {
		check("namespace "+name, n.ByName[name])
		if strings.Contains(name, ":") || !ValidName(name) {
			problems = append(problems, fmt.Errorf("namespace %q: want letters, digits and _-.#@", name))
		}
	}
	return problems
}

func (o *Options) problems() (problems []string) {
	for _, f := range []struct {
		what  string
		value int64
	}{
		{"history size", int64(o.HistorySize)}, {"history age", int64(o.HistoryAge)}, {"age of what waits for a slow client", int64(o.SlowMaxAge)},
		{"message bytes", o.MaxMessageBytes}, {"publish rate", int64(o.PublishRate)},
		{"number of users with acknowledgement", int64(o.AckUsers)},
	} {
		if f.value < 0 {
			problems = append(problems, f.what+" must not be negative")
		}
	}
	if o.PublishRate > maxPublishRate {
		problems = append(problems, fmt.Sprintf("publish rate must not be more than %d", maxPublishRate))
	}
	for _, f := range []struct {
		what  string
		needs bool
	}{{"recovery", o.Recover}, {"the latest value", o.Latest}, {"acknowledgement", o.Ack}, {"skip-to-history", o.Slow == SkipToHistory}} {
		if f.needs && o.HistorySize == 0 {
			problems = append(problems, f.what+" needs a history size")
		}
	}
	if o.JoinLeave && !o.Members {
		problems = append(problems, "join and leave notices need members")
	}
	return problems
}

var closed Options

// Of returns the options of the channel of that name. They are not to be changed.
func (n *Namespaces) Of(name string) *Options {
	namespace, _, found := strings.Cut(name, ":")
	if !found {
		return &n.Default
	}
	if o := n.ByName[namespace]; o != nil {
		return o
	}
	if n.Strict {
		return &closed
	}
	return &n.Default
}
