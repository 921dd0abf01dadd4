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
	for i, want := range []bool{true, true, false, true, false} {
		if i == 3 {
			s.Give()
		}
		if s.Take(2) != want {
			t.Errorf("attempt %d: %v", i+1, !want)
		}
	}
}
