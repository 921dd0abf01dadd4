package client

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestTailTellsEachPublicationOnce(t *testing.T) {
	addr, _ := serveEdge(t, edgeConfig("127.0.0.1:0"))
	c := dial(t, "http://"+addr)
	c.publishAll(t, "news", "before")
	r := follow(t, c, Tail{Channels: []string{"news", "chat:*", "chat:1"}})
	subscribers(t, r, c, "news", 1)
	subscribers(t, r, c, "chat:1", 1)
	c.publishAll(t, "news", "a", "b")
	c.publishAll(t, "chat:1", "c")
	c.publishAll(t, "chat:2", "d")
	r.eventually("all", func() bool { return len(r.all()) == 4 })
	if got := r.all(); !slices.Equal(slices.Sorted(slices.Values(got)), []string{"a", "b", "c", "d"}) || slices.Index(got, "a") > slices.Index(got, "b") {
		t.Errorf("told %q", got)
	}
	r.cancel()
	if err := r.end(); err != nil {
		t.Errorf("ended with %v", err)
	}
}

// subscribers waits until a channel has so many.
func subscribers(t *testing.T, r *running, c *Client, channel string, n int) {
	t.Helper()
	want := `"channel":"` + channel + `","count":` + string(rune('0'+n))
	r.eventually("subscribed", func() bool {
		answer, err := c.Call(t.Context(), "presence", new(Params).String("channel", channel))
		return err == nil && strings.Contains(string(answer), want)
	})
}

func TestTailRecoversWhatItMissed(t *testing.T) {
	addr, _ := serveEdge(t, edgeConfig("127.0.0.1:0"))
	c := dial(t, "http://"+addr)
	p := newProxy(t, addr)
	r := follow(t, dial(t, "http://"+p.listener.Addr().String()), Tail{Channels: []string{"news"}})
	subscribers(t, r, c, "news", 1)
	c.publishAll(t, "news", "1")
	r.eventually("the first", func() bool { return r.count("1") == 1 })
	p.cut(true)
	subscribers(t, r, c, "news", 0)
	c.publishAll(t, "news", "2", "3")
	p.cut(false)
	r.eventually("what was missed", func() bool { return r.count("3") == 1 })
	c.publishAll(t, "news", "4")
	r.eventually("what is live", func() bool { return r.count("4") == 1 })

	p.cut(true)
	subscribers(t, r, c, "news", 0)
	for range 11 { // one more than are kept
		c.publishAll(t, "news", "gone")
	}
	p.cut(false)
	subscribers(t, r, c, "news", 1)
	c.publishAll(t, "news", "5")
	r.eventually("what is live", func() bool { return r.count("5") == 1 })
	got := slices.DeleteFunc(r.all(), func(line string) bool { return strings.Contains(line, "trying again") })
	if want := []string{"1", "2", "3", "4", "! news: not recovered: missed publications 5 to 15", "5"}; !slices.Equal(got, want) {
		t.Errorf("told %q", got)
	}
}

func TestTailAcrossARestart(t *testing.T) {
	addr, stop := serveEdge(t, edgeConfig("127.0.0.1:0"))
	c := dial(t, "http://"+addr)
	r := follow(t, c, Tail{Channels: []string{"news", "chat:*"}})
	subscribers(t, r, c, "news", 1)
	c.publishAll(t, "news", "1")
	r.eventually("the first", func() bool { return r.count("1") == 1 })
	stop()
	serveEdge(t, edgeConfig(addr))
	r.eventually("word of the new epoch", func() bool { return r.count("! news: not recovered: the server has forgotten the epoch") == 1 })
	r.eventually("word of the wildcard", func() bool {
		return r.count("! chat:*: what was published while there was no connection is missed") == 1
	})
	c.publishAll(t, "news", "2")
	r.eventually("what is live", func() bool { return r.count("2") == 1 })
}

func TestTailSince(t *testing.T) {
	addr, _ := serveEdge(t, edgeConfig("127.0.0.1:0"))
	c := dial(t, "http://"+addr)
	for _, text := range strings.Split("abcdefghijkl", "") { // the first two are not kept
		c.publishAll(t, "news", text)
	}
	for _, row := range []struct {
		since Since
		want  []string
	}{
		{Since{All: true}, strings.Split("cdefghijkl", "")},
		{Since{Offset: 10}, []string{"k", "l"}},
		{Since{Offset: 12}, nil},
		{Since{Offset: 1}, append([]string{"! news: not all behind offset 1 is kept in the history"}, strings.Split("cdefghijkl", "")...)},
		{Since{Offset: 99}, []string{"! news: offset 99 is not reached yet, the last is 12"}},
	} {
		r := follow(t, c, Tail{Channels: []string{"news"}, Since: &row.since})
		r.eventually("the past", func() bool { return len(r.all()) >= len(row.want) })
		subscribers(t, r, c, "news", 1)
		if got := r.all(); !slices.Equal(got, row.want) {
			t.Errorf("%+v: told %q", row.since, got)
		}
		r.cancel()
		subscribers(t, r, c, "news", 0)
	}
	if err := c.Tail(t.Context(), Tail{Channels: []string{"a:*"}, Since: &Since{All: true}}); err == nil || !strings.Contains(err.Error(), "no history") {
		t.Errorf("a wildcard: %v", err)
	}
}

// TestTailSinceMeetsTheLivePublications has publications come while the history is read: each comes once.
func TestTailSinceMeetsTheLivePublications(t *testing.T) {
	cfg := edgeConfig("127.0.0.1:0")
	cfg.Namespaces.Default.HistorySize = 5000
	addr, _ := serveEdge(t, cfg)
	c := dial(t, "http://"+addr)
	publish := func(n int) {
		err := c.Lines(context.Background(), strings.NewReader(strings.Repeat("0\n", n)), func(_ int, line []byte) (*Params, error) {
			return new(Params).String("channel", "news").Raw("data", line), nil
		}, func(l Line) {
			if l.Err != nil {
				t.Error(l.Err)
			}
		})
		if err != nil {
			t.Error(err)
		}
	}
	publish(2500)
	done := make(chan struct{})
	go func() { defer close(done); publish(1500) }()
	var offsets []uint64
	err := c.Tail(t.Context(), Tail{Channels: []string{"news"}, Since: &Since{All: true}, Notice: func(line string) { t.Error(line) },
		Message: func(m *Message) error {
			if offsets = append(offsets, m.Offset); len(offsets) == 4000 {
				return ErrEnough
			}
			return nil
		}})
	<-done
	for i, offset := range offsets {
		if offset != uint64(i)+1 {
			t.Fatalf("publication %d has offset %d", i, offset)
		}
	}
	if err != nil || len(offsets) != 4000 {
		t.Errorf("%d publications, %v", len(offsets), err)
	}
}

func TestTailThatCannotBe(t *testing.T) {
	addr, stop := serveEdge(t, edgeConfig("127.0.0.1:0"))
	nothing := Tail{Channels: []string{"bad name"}, Message: func(*Message) error { return nil }, Notice: func(string) {}}
	if err := dial(t, "http://"+addr).Tail(t.Context(), nothing); err == nil || !strings.Contains(err.Error(), "bad_channel") {
		t.Errorf("a bad channel: %v", err)
	}
	stop()
	if err := dial(t, "http://"+addr).Tail(t.Context(), nothing); err == nil || !strings.Contains(err.Error(), "no connection to http://"+addr) {
		t.Errorf("no server: %v", err)
	}
	wrong := errors.New("disk full")
	addr, _ = serveEdge(t, edgeConfig("127.0.0.1:0"))
	c := dial(t, "http://"+addr)
	c.publishAll(t, "news", "a")
	nothing.Channels, nothing.Since, nothing.Message = []string{"news"}, &Since{All: true}, func(*Message) error { return wrong }
	if err := c.Tail(t.Context(), nothing); !errors.Is(err, wrong) {
		t.Errorf("a message that can't be told: %v", err)
	}
}
