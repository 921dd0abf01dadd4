package ticket

import (
	"encoding/binary"
	"encoding/json"
	"hash/maphash"
	"math"
	"time"

	"github.com/wsedge/wsedge/internal/auth"
	"github.com/wsedge/wsedge/internal/channel"
)

// The content of a ticket: numbers are varints (encoding/binary), texts and lists begin with their length, times are Unix seconds and 0 for none.
//
//	issued | client | 0, or 1 and the identity: user, token id, issued, expires, channels, grants, info | leaves | channels, up to the end

// seed makes Prints of this process comparable.
var seed = maphash.MakeSeed()

// Print is the same for tickets of this process that say the same of the client, whenever and to whom they were given.
func (t *Ticket) Print() uint64 {
	content, _ := t.content()
	return maphash.Bytes(seed, content[len(t.head()):])
}

// head is when, and to whom.
func (t *Ticket) head() writer {
	w := writer(make([]byte, 0, 256))
	w.time(t.Issued)
	w.text(t.Client)
	return w
}

// content writes as much as there is room for; false: not even all but the channels, and those are left out.
func (t *Ticket) content() ([]byte, bool) {
	w := t.head()
	if i := t.Identity; i == nil {
		w.number(0)
	} else {
		w.number(1)
		w.identity(i)
	}
	w.number(uint64(len(t.Leaves)))
	for _, l := range t.Leaves {
		w.text(l.Channel)
		w.text(l.TokenID)
		w.time(l.Issued)
		w.time(l.Expires)
	}
	if len(w) > maxContent {
		return w, false
	}
	for _, name := range t.Channels {
		before := len(w)
		if w.text(name); len(w) > maxContent {
			return w[:before], true
		}
	}
	return w, true
}

type writer []byte

func (w *writer) number(n uint64) { *w = binary.AppendUvarint(*w, n) }

func (w *writer) text(s string) {
	w.number(uint64(len(s)))
	*w = append(*w, s...)
}

func (w *writer) time(t time.Time) {
	if t.IsZero() {
		w.number(0)
		return
	}
	w.number(uint64(max(t.Unix(), 0)))
}

func (w *writer) identity(i *auth.Identity) {
	w.text(i.User)
	w.text(i.TokenID)
	w.time(i.Issued)
	w.time(i.Expires)
	w.number(uint64(len(i.Channels)))
	for _, name := range i.Channels {
		w.text(name)
	}
	w.number(uint64(len(i.Grants)))
	for _, g := range i.Grants {
		w.text(g.Channel)
		w.number(uint64(g.Allow))
	}
	w.text(string(i.Info))
}

// readContent is content read back; false: it is none.
func readContent(content []byte) (*Ticket, bool) {
	r := &reader{rest: content}
	t := &Ticket{Issued: r.time(), Client: r.text()}
	switch r.number() {
	case 0:
	case 1:
		t.Identity = r.identity()
	default:
		r.bad = true
	}
	for range r.count() {
		t.Leaves = append(t.Leaves, &auth.Subscription{Channel: r.pattern(), TokenID: r.text(), Issued: r.time(), Expires: r.time()})
	}
	for len(r.rest) > 0 && !r.bad {
		t.Channels = append(t.Channels, r.name())
	}
	return t, !r.bad
}

// reader reads a content. Once something is bad the rest is nothing.
type reader struct {
	rest []byte
	bad  bool
}

func (r *reader) fail() {
	r.rest, r.bad = nil, true
}

func (r *reader) number() uint64 {
	n, size := binary.Uvarint(r.rest)
	if size <= 0 || size > 1 && r.rest[size-1] == 0 { // cut, too long, or not in the shortest form
		r.fail()
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

// count is a number of things that take a byte each at least.
func (r *reader) count() uint64 {
	n := r.number()
	if n > uint64(len(r.rest)) {
		r.fail()
		return 0
	}
	return n
}

func (r *reader) text() string {
	n := r.count()
	s := string(r.rest[:n])
	r.rest = r.rest[n:]
	return s
}

func (r *reader) time() time.Time {
	const year9999 = 253402300799
	switch seconds := r.number(); {
	case seconds > year9999:
		r.fail()
		return time.Time{}
	case seconds == 0:
		return time.Time{}
	default:
		return time.Unix(int64(seconds), 0)
	}
}

// name is that of a channel, or a wildcard.
func (r *reader) name() string {
	s := r.text()
	if !channel.ValidName(s) && !channel.ValidPattern(s) {
		r.fail()
	}
	return s
}

// pattern is that of a grant.
func (r *reader) pattern() string {
	s := r.text()
	if !auth.ValidPattern(s) {
		r.fail()
	}
	return s
}

func (r *reader) identity() *auth.Identity {
	i := &auth.Identity{User: r.text(), TokenID: r.text(), Issued: r.time(), Expires: r.time()}
	for range r.count() {
		i.Channels = append(i.Channels, r.name())
	}
	for range r.count() {
		name, allow := r.pattern(), r.number()
		if allow > math.MaxUint8 {
			r.fail()
		}
		i.Grants = append(i.Grants, auth.Grant{Channel: name, Allow: auth.Action(allow)})
	}
	if info := r.text(); info != "" {
		i.Info = json.RawMessage(info)
	}
	return i
}
