package ticket

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/wsedge/wsedge/internal/auth"
)

var now = time.Unix(1_800_000_000, 0)

// full is a ticket with something of everything.
func full() *Ticket {
	return &Ticket{
		Issued: now, Client: "abcdefgh-1z",
		Identity: &auth.Identity{
			User: `än"n`, TokenID: "jti-1", Issued: now.Add(-time.Minute), Expires: now.Add(10 * time.Minute), Channels: []string{"user#1", "news"},
			Grants: []auth.Grant{{Channel: "chat:*", Allow: auth.Subscribe | auth.Publish}, {Channel: "*", Allow: auth.History}}, Info: json.RawMessage(`{"a":1}`),
		},
		Leaves:   []*auth.Subscription{{Channel: "room:7", TokenID: "leave", Issued: now, Expires: now.Add(time.Hour)}},
		Channels: []string{"chat:1", "prices:*", "room:7"},
	}
}

func seal(t testing.TB, b *Box, ticket *Ticket, deployment string) string {
	t.Helper()
	text, ok := b.Seal(ticket, deployment)
	if !ok || len(text) > MaxBytes {
		t.Fatalf("sealed: %v, %d bytes", ok, len(text))
	}
	return text
}

// wantRefusal wants a ticket not to be opened, for a reason; "" for any.
func wantRefusal(t testing.TB, b *Box, text, deployment string, at time.Time, reason string) {
	t.Helper()
	var refused *Error
	got, err := b.Open(text, deployment, at)
	if got != nil || !errors.As(err, &refused) || reason != "" && refused.Reason != reason {
		t.Fatalf("opened %.40s…: %+v, %v; want %s", text, got, err, reason)
	}
}

func TestRoundTrip(t *testing.T) {
	b := NewBox([]Key{NewKey()})
	for _, want := range []*Ticket{
		full(), {Issued: now}, {Issued: now, Channels: []string{"a"}}, {Issued: now, Identity: &auth.Identity{}}, {Issued: now, Identity: &auth.Identity{User: "ann", Expires: now}},
	} {
		text := seal(t, b, want, "d")
		got, err := b.Open(text, "d", now)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, %v; want %+v", got, err, want)
		}
		if again := seal(t, b, want, "d"); again == text {
			t.Error("twice the same text: a nonce was used twice")
		}
	}
}

// TestSecret: nothing that is in a ticket can be read off it.
func TestSecret(t *testing.T) {
	text := seal(t, NewBox([]Key{NewKey()}), full(), "d")
	raw, err := encoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"jti-1", "chat:", "room:7", "news", "abcdefgh"} {
		if strings.Contains(text, word) || strings.Contains(string(raw), word) {
			t.Errorf("%q stands in it", word)
		}
	}
}

func TestTampered(t *testing.T) {
	b := NewBox([]Key{NewKey()})
	text := seal(t, b, full(), "d")
	raw, err := encoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	for i := range raw { // each bit of each byte: version, key, nonce, content, tag
		for bit := range 8 {
			changed := append([]byte(nil), raw...)
			changed[i] ^= 1 << bit
			reason := ReasonForged
			switch {
			case i == 0:
				reason = ReasonMalformed
			case i < headBytes:
				reason = ReasonUnknownKey
			}
			wantRefusal(t, b, encoding.EncodeToString(changed), "d", now, reason)
		}
	}
	for i := range text { // each character: none has another text
		for _, c := range "A_9=+/ \n\r\x00" {
			if byte(c) != text[i] {
				wantRefusal(t, b, text[:i]+string(c)+text[i+1:], "d", now, "")
			}
			wantRefusal(t, b, text[:i]+string(c)+text[i:], "d", now, "")
		}
	}
	wantRefusal(t, b, text, "e", now, ReasonForged)
	wantRefusal(t, b, text, "", now, ReasonForged)
}

func TestCutAtEachByte(t *testing.T) {
	b := NewBox([]Key{NewKey()})
	text := seal(t, b, full(), "d")
	for i := range text {
		wantRefusal(t, b, text[:i], "d", now, "")
		wantRefusal(t, b, text[i+1:], "d", now, "")
	}
	for _, text := range []string{"", text + "A", text + "AAAA", text + "=", strings.Repeat("A", MaxBytes), strings.Repeat("A", MaxBytes+1)} {
		wantRefusal(t, b, text, "d", now, "")
	}
}

func TestAge(t *testing.T) {
	b := NewBox([]Key{NewKey()})
	text := seal(t, b, full(), "d")
	for _, at := range []time.Time{now.Add(-MaxSkew), now.Add(Life - time.Second)} {
		if _, err := b.Open(text, "d", at); err != nil {
			t.Errorf("%v after it was made: %v", at.Sub(now), err)
		}
	}
	for _, at := range []time.Time{now.Add(-MaxSkew - time.Second), now.Add(Life), now.Add(100 * Life)} {
		wantRefusal(t, b, text, "d", at, ReasonTooOld)
	}
}

// TestRotation goes through the steps that OPERATING.md gives, on two servers that don't take them at the same moment.
func TestRotation(t *testing.T) {
	old, fresh := NewKey(), NewKey()
	before, spread, after, ended := NewBox([]Key{old}), NewBox([]Key{old, fresh}), NewBox([]Key{fresh, old}), NewBox([]Key{fresh})
	for i, pair := range [][2]*Box{{before, before}, {before, spread}, {spread, spread}, {spread, after}, {after, after}, {after, ended}, {ended, ended}} {
		for _, makes := range pair {
			if i == 5 && makes == after {
				makes = ended // what was made before the last step is too old by then
			}
			for _, opens := range pair {
				if _, err := opens.Open(seal(t, makes, full(), "d"), "d", now); err != nil {
					t.Errorf("step %d: %v", i, err)
				}
			}
		}
	}
	wantRefusal(t, ended, seal(t, before, full(), "d"), "d", now, ReasonUnknownKey)
	wantRefusal(t, NewBox([]Key{NewKey()}), seal(t, ended, full(), "d"), "d", now, ReasonUnknownKey)
}

// TestRoom: a ticket has as many channels as there is room for, and there is none where there is none for the rest.
func TestRoom(t *testing.T) {
	b := NewBox([]Key{NewKey()})
	ticket := full()
	ticket.Channels = nil
	for i := range 1000 {
		ticket.Channels = append(ticket.Channels, fmt.Sprintf("channel:%d", i))
	}
	text := seal(t, b, ticket, "d")
	got, err := b.Open(text, "d", now)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(got.Channels); n < 200 || n == 1000 || !reflect.DeepEqual(got.Channels, ticket.Channels[:n]) || len(text) < MaxBytes-32 {
		t.Errorf("%d channels in %d bytes", n, len(text))
	}
	if got.Print() != ticket.Print() {
		t.Error("another print for what the client has got")
	}
	ticket.Identity.Info = json.RawMessage(`"` + strings.Repeat("x", MaxBytes) + `"`)
	if _, ok := b.Seal(ticket, "d"); ok {
		t.Error("an identity without room was sealed")
	}
}

func TestPrint(t *testing.T) {
	a, b := full(), full()
	b.Issued, b.Client = now.Add(time.Minute), "other"
	if a.Print() != b.Print() {
		t.Error("the same, given to another at another time, has another print")
	}
	for i, change := range []func(*Ticket){
		func(t *Ticket) { t.Channels = t.Channels[:2] }, func(t *Ticket) { t.Leaves = nil }, func(t *Ticket) { t.Identity = nil },
		func(t *Ticket) { t.Identity.Expires = now }, func(t *Ticket) { t.Identity.Grants[0].Allow = 0 }, func(t *Ticket) { t.Identity.Info = nil },
	} {
		other := full()
		if change(other); other.Print() == a.Print() {
			t.Errorf("change %d has no other print", i)
		}
	}
}

// FuzzOpen: no text that no Box has made is opened.
func FuzzOpen(f *testing.F) {
	b := NewBox([]Key{NewKey()})
	f.Add("")
	f.Add(strings.Repeat("A", 200))
	f.Add(seal(f, NewBox([]Key{NewKey()}), full(), "d"))
	f.Add(seal(f, b, full(), "other"))
	f.Fuzz(func(t *testing.T, text string) { wantRefusal(t, b, text, "d", now, "") })
}

// FuzzContent: whatever is read is what its ticket writes.
func FuzzContent(f *testing.F) {
	for _, ticket := range []*Ticket{full(), {}, {Channels: []string{"a"}}} {
		content, _ := ticket.content()
		f.Add(content)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		ticket, ok := readContent(content)
		if !ok || len(content) > maxContent {
			return
		}
		if again, ok := ticket.content(); !ok || string(again) != string(content) {
			t.Errorf("read from %q, written as %q", content, again)
		}
	})
}

func TestContentCutAtEachByte(t *testing.T) {
	content, _ := (&Ticket{Issued: now, Client: "c", Identity: full().Identity, Leaves: full().Leaves}).content()
	for i := range content {
		if _, ok := readContent(content[:i]); ok {
			t.Errorf("read %d of %d bytes", i, len(content))
		}
	}
}

func BenchmarkSeal(b *testing.B) {
	box, ticket := NewBox([]Key{NewKey()}), full()
	b.ReportAllocs()
	for b.Loop() {
		box.Seal(ticket, "d")
	}
}

func BenchmarkOpen(b *testing.B) {
	box := NewBox([]Key{NewKey()})
	text := seal(b, box, full(), "d")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := box.Open(text, "d", now); err != nil {
			b.Fatal(err)
		}
	}
}
