package hub

import (
	"fmt"
	"testing"
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
