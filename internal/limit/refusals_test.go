package limit

import "testing"

func TestRefusals(t *testing.T) {
	var r Refusals
	r.Count(Channels)
	r.Count(Channels)
	counts := r.ByReason()
	if len(counts) != int(numReasons) || counts["channels"] != 2 || counts["message_rate"] != 0 || counts[""] != 0 {
		t.Errorf("%v", counts)
	}
}

func TestSlots(t *testing.T) {
	var s Slots
	if !s.Take(2) || !s.Take(2) || s.Take(2) {
		t.Error("want two of two, and no third")
	}
	s.Give()
	if !s.Take(2) || s.Take(2) {
		t.Error("want the one that was given back, and no other")
	}
}
