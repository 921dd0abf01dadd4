package jetstream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wsedge/wsedge/internal/broker"
)

// all reads a registry until that succeeds, and moves mark.
func all(t *testing.T, r broker.Registry, mark *broker.Mark) (values []string, whole bool) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		to, lost, err := r.Read(ctx, *mark, func(value []byte) { values = append(values, string(value)) })
		cancel()
		if *mark, whole = to, whole || lost; err == nil {
			return values, whole
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

func put(t *testing.T, r broker.Registry, key, value string) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		err := r.Put(ctx, key, []byte(value), time.Hour)
		cancel()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// A registry has the last value of each key, for nodes that were there and for those that come later.
func TestRegistry(t *testing.T) {
	s := natsServer(t)
	a := connect(t, s, Config{})
	b := connect(t, s, Config{Prefix: a.config.Prefix})
	ra, rb := a.Registry("facts", 1000), b.Registry("facts", 1000)
	var at broker.Mark
	if values, whole := all(t, rb, &at); len(values) != 0 || whole || at != (broker.Mark{}) {
		t.Errorf("before the first: %q %v %v", values, whole, at)
	}
	put(t, ra, "x", "x1")
	put(t, ra, strings.Repeat("y >*.", 100), "y1")
	if values, whole := all(t, rb, &at); !slices.Equal(values, []string{"x1", "y1"}) || whole {
		t.Errorf("%q %v", values, whole)
	}
	put(t, rb, "x", "x2")
	if values, _ := all(t, rb, &at); !slices.Equal(values, []string{"x2"}) {
		t.Errorf("what is new: %q", values)
	}
	if values, _ := all(t, rb, &at); len(values) != 0 {
		t.Errorf("again: %q", values)
	}
	if values, _ := all(t, connect(t, s, Config{Prefix: a.config.Prefix}).Registry("facts", 1000), new(broker.Mark)); !slices.Equal(values, []string{"y1", "x2"}) {
		t.Errorf("a node that starts later: %q", values)
	}
}

// More than an answer holds is read in parts, and what would be too much is refused; a key that is known has room.
func TestRegistryIsBounded(t *testing.T) {
	const most = 2*batch + 3
	r := connect(t, natsServer(t), Config{}).Registry("facts", most)
	for i := range most {
		put(t, r, fmt.Sprint(i), fmt.Sprint(i))
	}
	if err := r.Put(t.Context(), "one more", nil, time.Hour); !errors.Is(err, broker.ErrRegistryFull) {
		t.Errorf("one more: %v", err)
	}
	put(t, r, "0", "again")
	if values, _ := all(t, r, new(broker.Mark)); len(values) != most || values[most-1] != "again" {
		t.Errorf("%d: %q", len(values), values[len(values)-1])
	}
}

// What is kept for longer raises the stream's limit, and a registry that was lost is told as such.
func TestRegistryIsLost(t *testing.T) {
	e := connect(t, natsServer(t), Config{})
	r := e.Registry("facts", 10)
	put(t, r, "x", "1")
	if err := r.Put(t.Context(), "x", []byte("2"), 2*time.Hour); err != nil {
		t.Fatal(err)
	}
	name := e.config.Prefix + "-facts"
	is, err := e.js.Stream(t.Context(), name)
	if err != nil || is.CachedInfo().Config.MaxAge < 2*time.Hour {
		t.Fatal(err)
	}
	var at broker.Mark
	all(t, r, &at)
	if err := e.js.DeleteStream(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	gone := at
	if values, whole := all(t, r, &gone); len(values) != 0 || !whole {
		t.Errorf("%q %v", values, whole)
	}
	put(t, r, "y", "3")
	if values, whole := all(t, r, &at); !slices.Equal(values, []string{"3"}) || !whole {
		t.Errorf("%q %v", values, whole)
	}
}

// Of two nodes that have it kept for longer at once, each from what it was, the last one's word stands, until the other has looked.
func TestRegistryIsKeptForTheLongest(t *testing.T) {
	e := connect(t, natsServer(t), Config{})
	r, name := e.Registry("facts", 10), e.config.Prefix+"-facts"
	age := func() time.Duration {
		t.Helper()
		is, err := e.js.Stream(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		return is.CachedInfo().Config.MaxAge
	}
	put(t, r, "x", "1") // for an hour
	var at broker.Mark
	all(t, r, &at)
	put(t, r, "x", "1")
	for _, other := range []time.Duration{time.Minute, 0} {
		is, err := e.js.Stream(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		config := is.CachedInfo().Config
		config.MaxAge, config.Duplicates = other, time.Minute
		if _, err := e.js.UpdateStream(t.Context(), config); err != nil {
			t.Fatal(err)
		}
		all(t, r, &at)
		put(t, r, "x", "2")
		if is := age(); is != 0 && is < time.Hour || is != 0 && other == 0 {
			t.Errorf("after %v: %v", other, is)
		}
	}
}

// Without a server nothing is stored, and that is told.
func TestRegistryWithoutServer(t *testing.T) {
	r := connect(t, nil, Config{URL: "nats://127.0.0.1:1"}).Registry("facts", 10)
	if err := r.Put(t.Context(), "x", nil, time.Hour); !errors.Is(err, ErrDown) {
		t.Error(err)
	}
	if _, _, err := r.Read(t.Context(), broker.Mark{}, nil); !errors.Is(err, ErrDown) {
		t.Error(err)
	}
}
