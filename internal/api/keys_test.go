package api

import (
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wsedge/wsedge/internal/broker"
)

func TestKeysPublishOnce(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	k := newKeys(func() time.Time { return now })
	calls := 0
	publish := func() (broker.Result, error) {
		calls++
		return broker.Result{Matched: calls}, nil
	}
	for _, step := range []struct {
		channel, key string
		want         int
	}{{"a", "1", 1}, {"a", "1", 1}, {"b", "1", 2}, {"a", "2", 3}, {"a", "1", 1}} {
		if r, _ := k.once(step.channel, step.key, publish); r.Matched != step.want {
			t.Fatalf("%s %s: got call %d, want %d", step.channel, step.key, r.Matched, step.want)
		}
	}
	now = now.Add(keyLife)
	if r, _ := k.once("a", "1", publish); r.Matched != 4 {
		t.Fatalf("got call %d, want a new one: the old one has expired", r.Matched)
	}
	if len(k.byKey) != 1 || k.order.Len() != 1 {
		t.Fatalf("%d keys are remembered, want 1", len(k.byKey))
	}
}

func TestKeysForgetFailures(t *testing.T) {
	k := newKeys(time.Now)
	failure := errors.New("no room")
	if _, err := k.once("a", "1", func() (broker.Result, error) { return broker.Result{}, failure }); !errors.Is(err, failure) {
		t.Fatal(err)
	}
	if r, err := k.once("a", "1", func() (broker.Result, error) { return broker.Result{Matched: 7}, nil }); err != nil || r.Matched != 7 {
		t.Fatalf("%+v, %v: a failed attempt was not tried again", r, err)
	}
}

func TestKeysWaitForTheFirst(t *testing.T) {
	k := newKeys(time.Now)
	var calls atomic.Int32
	entered, leave := make(chan struct{}), make(chan struct{})
	publish := func() (broker.Result, error) {
		calls.Add(1)
		close(entered)
		<-leave
		return broker.Result{Matched: 5}, nil
	}
	var group sync.WaitGroup
	try := func() {
		if r, err := k.once("a", "1", publish); err != nil || r.Matched != 5 {
			t.Errorf("%+v, %v", r, err)
		}
	}
	group.Go(try)
	<-entered
	for range 8 {
		group.Go(try)
	}
	close(leave)
	group.Wait()
	if calls.Load() != 1 {
		t.Fatalf("published %d times", calls.Load())
	}
}

func TestKeysAreBounded(t *testing.T) {
	k := newKeys(time.Now)
	for i := range maxKeys + 10 {
		_, _ = k.once("a", strconv.Itoa(i), func() (broker.Result, error) { return broker.Result{}, nil })
	}
	if len(k.byKey) > maxKeys || k.order.Len() != len(k.byKey) {
		t.Fatalf("%d keys, %d in order", len(k.byKey), k.order.Len())
	}
}
