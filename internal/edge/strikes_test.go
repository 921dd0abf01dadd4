package edge

import (
	"testing"
	"time"
)

func TestStrikes(t *testing.T) {
	start := time.Unix(1_000_000, 0)
	var s strikes
	for i := range maxStrikes - 1 {
		if s.add(start.Add(time.Duration(i) * time.Second)) {
			t.Fatalf("out after %d bad messages", i+1)
		}
	}
	if !s.add(start.Add(strikeWindow)) {
		t.Fatal("not out after 10 bad messages in 10 s")
	}
	s = strikes{}
	for i := range 100 { // just below the rate for ever
		if s.add(start.Add(time.Duration(i) * 1200 * time.Millisecond)) {
			t.Fatalf("out after %d bad messages 1.2 s apart", i+1)
		}
	}
	s = strikes{}
	s.add(start)
	for i := range maxStrikes - 1 { // the window slides: one old one does not shield those behind it
		if s.add(start.Add(11 * time.Second)) {
			t.Fatalf("out after %d in the window", i+1)
		}
	}
	if !s.add(start.Add(12 * time.Second)) {
		t.Fatal("not out after 10 in the window")
	}
}
