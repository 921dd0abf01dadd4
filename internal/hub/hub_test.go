package hub

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/channel"
	"github.com/wsedge/wsedge/reactor"
)

// newHub makes a hub without a reactor: nobody can subscribe, which is all that these tests need.
func newHub(config Config) *Hub {
	config.Broker = broker.NewMemory(broker.MemoryConfig{Now: config.Now})
	if config.Namespaces == nil {
		config.Namespaces = channel.Open()
	}
	config.Conn = func(string) *reactor.Conn { return nil }
	return New(config)
}

func publish(t *testing.T, h *Hub, name string) broker.Result {
	t.Helper()
	c, err := h.Acquire(name)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Release()
	result, err := c.Publish(&broker.Publication{Data: []byte("1")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func TestIdleChannelsAreDropped(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	h := newHub(Config{Idle: time.Minute, Now: func() time.Time { return now }})
	first := publish(t, h, "news")
	kept, err := h.Acquire("kept")
	if err != nil {
		t.Fatal(err)
	}

	now = now.Add(59 * time.Second)
	h.Sweep()
	if second := publish(t, h, "news"); second.Epoch != first.Epoch || second.Offset != 2 {
		t.Fatalf("%+v after %+v: dropped too early", second, first)
	}
	now = now.Add(60 * time.Second)
	h.Sweep()
	if h.Channels() != 1 {
		t.Fatalf("%d channels, want the one in use", h.Channels())
	}
	if third := publish(t, h, "news"); third.Epoch == first.Epoch || third.Offset != 1 {
		t.Fatalf("%+v after %+v: a dropped channel begins anew", third, first)
	}
	kept.Release()
	now = now.Add(time.Hour)
	h.Sweep()
	if h.Channels() != 0 {
		t.Fatalf("%d channels are left", h.Channels())
	}
}

// A channel with a history outlives its last user for as long as there is something in it.
func TestHistoryKeepsAnUnusedChannel(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	namespaces := &channel.Namespaces{Default: channel.Options{HistorySize: 10, HistoryAge: time.Hour}}
	h := newHub(Config{Idle: time.Minute, MaxChannels: 8, Namespaces: namespaces, Now: func() time.Time { return now }})
	first := publish(t, h, "news")
	now = now.Add(59 * time.Minute)
	h.Sweep()
	if second := publish(t, h, "news"); second.Epoch != first.Epoch {
		t.Fatalf("%+v after %+v: dropped too early", second, first)
	}
	now = now.Add(time.Hour)
	h.Sweep()
	if h.Channels() != 0 || h.Forgotten() != 0 {
		t.Fatalf("%d channels are left, %d forgotten", h.Channels(), h.Forgotten())
	}

	for i := range 8 { // now there are too many
		publish(t, h, fmt.Sprint(i))
	}
	now = now.Add(time.Minute)
	h.Sweep()
	if h.Channels() != 6 || h.Forgotten() != 2 {
		t.Fatalf("%d channels are left, %d forgotten", h.Channels(), h.Forgotten())
	}
}

// What nobody uses does not keep others from a history for ever.
func TestUnusedHistoryGivesWay(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	var h *Hub
	h = newHub(Config{
		Idle: time.Minute, Namespaces: &channel.Namespaces{Default: channel.Options{HistorySize: 10}}, Now: func() time.Time { return now },
		HistoryShort: func() bool { return h.Channels() > 5 },
	})
	used, err := h.Acquire("used")
	if err != nil {
		t.Fatal(err)
	}
	defer used.Release()
	for i := range 8 {
		publish(t, h, fmt.Sprint(i))
	}
	h.Sweep()
	if h.Channels() != 9 {
		t.Fatalf("%d channels are left: others were just in use", h.Channels())
	}
	now = now.Add(time.Minute)
	h.Sweep()
	if h.Channels() != 5 || h.Forgotten() != 4 {
		t.Fatalf("%d channels are left, %d forgotten", h.Channels(), h.Forgotten())
	}
	if again, err := h.Acquire("used"); err != nil || again != used {
		t.Error("one in use is gone")
	} else {
		again.Release()
	}
}

func TestNumberOfChannelsIsBounded(t *testing.T) {
	h := newHub(Config{MaxChannels: 2})
	publish(t, h, "a")
	publish(t, h, "b")
	if _, err := h.Acquire("c"); !errors.Is(err, ErrFull) {
		t.Fatalf("got %v", err)
	}
	publish(t, h, "a")
	if h.Channels() != 2 {
		t.Fatalf("%d channels", h.Channels())
	}
}

// New namespaces reach the channels that are open, too.
func TestNamespacesAreReplaced(t *testing.T) {
	h := newHub(Config{})
	kept, err := h.Acquire("chat:1")
	if err != nil {
		t.Fatal(err)
	}
	defer kept.Release()
	chat := &channel.Options{HistorySize: 5}
	h.SetNamespaces(&channel.Namespaces{ByName: map[string]*channel.Options{"chat": chat}})
	if kept.Options() != chat || h.Options("chat:2") != chat {
		t.Errorf("chat:1 has %+v, chat:2 would have %+v", kept.Options(), h.Options("chat:2"))
	}
	later, err := h.Acquire("chat:3")
	if err != nil {
		t.Fatal(err)
	}
	defer later.Release()
	if later.Options() != chat {
		t.Errorf("chat:3 has %+v", later.Options())
	}
}

func TestConcurrentUseAndSweep(t *testing.T) {
	h := newHub(Config{Idle: time.Nanosecond})
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for n := range 500 {
				publish(t, h, fmt.Sprint("c", (n+i)%10))
				if n%50 == 0 {
					h.Sweep()
				}
			}
		})
	}
	group.Wait()
	h.config.Now = func() time.Time { return time.Now().Add(time.Hour) }
	h.Sweep()
	if h.Channels() != 0 {
		t.Fatalf("%d channels are left", h.Channels())
	}
	for i := range h.shards {
		if n := len(h.shards[i].byName); n != 0 {
			t.Fatalf("shard %d holds %d", i, n)
		}
	}
}

// What a user has not acknowledged outlives the last use of the channel for as long as it can be sent again. Then the channel goes, and what was
// acknowledged with it.
func TestCursorsKeepAnUnusedChannel(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	namespaces := &channel.Namespaces{Default: channel.Options{HistorySize: 10, HistoryAge: time.Hour, Ack: true}}
	h := newHub(Config{Idle: time.Minute, Namespaces: namespaces, Now: func() time.Time { return now }})
	visit := func() (epoch string, exact bool) {
		c, err := h.Acquire("news")
		if err != nil {
			t.Fatal(err)
		}
		defer c.Release()
		c.Recover(broker.RecoverQuery{User: "ann"}, func(past broker.Past, err error) {
			if err != nil {
				t.Error(err)
			}
			hold, _ := c.Hold("ann", broker.StartOf(nil, &past))
			hold.Release()
			epoch, exact = past.Position.Epoch, past.Exact
		})
		return epoch, exact
	}
	first, _ := visit()
	now = now.Add(59 * time.Minute)
	h.Sweep()
	if epoch, exact := visit(); epoch != first || !exact {
		t.Fatalf("dropped too early: %s after %s", epoch, first)
	}
	now = now.Add(time.Hour)
	h.Sweep()
	if epoch, exact := visit(); epoch == first || exact || h.Forgotten() != 0 {
		t.Fatalf("%s, exact %v, %d forgotten", epoch, exact, h.Forgotten())
	}
}
