package hub

import (
	"fmt"
	"testing"
	"time"
)

func TestList(t *testing.T) {
	h := newHub(Config{})
	for i := range 30 {
		publish(t, h, fmt.Sprintf("a:%02d", i))
		publish(t, h, fmt.Sprintf("b:%02d", i))
	}
	var got []string
	for after, more := "", true; more; after = got[len(got)-1] {
		var page []Listed
		page, more = h.List("a:", after, 7)
		if len(page) > 7 {
			t.Fatalf("%d on a page of 7", len(page))
		}
		for _, c := range page {
			got = append(got, c.Name)
		}
	}
	for i, name := range got {
		if len(got) != 30 || name != fmt.Sprintf("a:%02d", i) {
			t.Fatalf("got %v", got)
		}
	}
	if page, more := h.List("c", "", 7); len(page) != 0 || more {
		t.Errorf("got %v, %v", page, more)
	}
	if h.Find("c") != nil || h.Channels() != 60 {
		t.Error("looking for a channel opens it")
	}
}

// Whoever walks through many channels sees each that is open all the time, once and in order, however many looks at all of them that takes; of
// those that come and go meanwhile nothing that is not open.
func TestListOfManyChannels(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	h := newHub(Config{Idle: time.Minute, Now: func() time.Time { return now }})
	const count = 2*walkAhead + 500
	for i := range count {
		c, err := h.Acquire(fmt.Sprintf("a:%06d", i))
		if err != nil {
			t.Fatal(err)
		}
		if i%3 > 0 {
			defer c.Release()
		} else {
			c.Release()
		}
	}
	now = now.Add(30 * time.Second)
	want, dropped := 0, false
	after, more := "", true
	for more {
		var list []Listed
		if list, more = h.List("a:", after, 100); more && len(list) == 0 {
			t.Fatal("a page without an end")
		}
		for _, c := range list {
			if dropped && want%3 == 0 {
				want++
			}
			if c.Name != fmt.Sprintf("a:%06d", want) {
				t.Fatalf("%s, want %d", c.Name, want)
			}
			want++
		}
		after = list[len(list)-1].Name
		if want > count/2 && !dropped { // all that nobody uses
			now = now.Add(time.Minute)
			h.Sweep()
			dropped = true
		}
	}
	if want < count {
		t.Errorf("ended at %d of %d", want, count)
	}
}

// A page that is asked for again is what it was; a walk with another prefix, and one behind a name that nobody was told, are walks of their own.
func TestWalksAreApart(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	h := newHub(Config{Now: func() time.Time { return now }})
	for i := range 20 {
		publish(t, h, fmt.Sprintf("a:%02d", i))
		publish(t, h, fmt.Sprintf("ab:%02d", i))
	}
	for range 2 {
		for _, row := range []struct{ prefix, after, want string }{
			{"a:", "a:03", "a:04"}, {"a:", "a:07", "a:08"}, {"a", "a:19", "ab:00"}, {"a", "a:07", "a:08"}, {"ab:", "a:99", "ab:00"}, {"", "a:0", "a:00"},
			{"a:", "a:031", "a:04"},
		} {
			page, more := h.List(row.prefix, row.after, 3)
			if len(page) != 3 || page[0].Name != row.want || !more {
				t.Errorf("%+v: %v, %v", row, page, more)
			}
		}
	}
	if n := len(h.walks.last); n > maxWalks {
		t.Errorf("%d walks are remembered", n)
	}
	publish(t, h, "a:")
	publish(t, h, "a:035")
	now = now.Add(walkLife)
	if page, _ := h.List("a:", "a:03", 3); page[0].Name != "a:035" {
		t.Errorf("got %v: an old walk", page)
	}
}

// What a page takes on a node with many channels: the first, and those of a walk through all of them.
func BenchmarkList(b *testing.B) {
	for _, channels := range []int{100_000, 1_000_000} {
		h := newHub(Config{})
		for i := range channels {
			c, err := h.Acquire(fmt.Sprintf("room:%07d", i))
			if err != nil {
				b.Fatal(err)
			}
			defer c.Release()
		}
		b.Run(fmt.Sprintf("channels=%d/first", channels), func(b *testing.B) {
			for b.Loop() {
				if page, more := h.List("", "", 100); len(page) != 100 || !more {
					b.Fatal(len(page), more)
				}
			}
		})
		b.Run(fmt.Sprintf("channels=%d/walk", channels), func(b *testing.B) {
			pages := 0
			for b.Loop() {
				for after, more := "", true; more; pages++ {
					var page []Listed
					page, more = h.List("", after, 100)
					after = page[len(page)-1].Name
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(pages), "ns/page")
		})
	}
}
