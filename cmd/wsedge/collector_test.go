package main

import "testing"

func TestPacer(t *testing.T) {
	const mb = 1 << 20
	p := pacer{percent: gcPercent}
	for i, look := range []struct {
		live, allocated uint64
		want            int
	}{
		{4 * mb, 0, gcPercent},
		{4 * mb, 15 * mb, gcPercent},      // 7 collections a second are none too many
		{4 * mb, 16 * mb, 800},            // 8 are: 32 MiB of room
		{8 * mb, 100 * mb, 400},           // the room stays that
		{8 * mb, 30 * mb, 400},            // not so much any more, but not little
		{8 * mb, 1 * mb, 400},             // little, once
		{8 * mb, 9 * mb, 400},             // and not
		{8 * mb, 1 * mb, 400},             // and again
		{8 * mb, 0, gcPercent},            // twice in a row
		{0, 0, gcPercent},                 // before the first collection
		{0, 1 * mb, 3200},                 // whose result counts as 1 MiB at least
		{64 * mb, 1000 * mb, gcPercent},   // a large heap has that room by itself
		{900 * mb, 9000 * mb, gcPercent},  // and more
		{64 * mb, 0, gcPercent},           //
		{4 * mb, 1000 * mb, 800},          //
		{100 * mb, 1000 * mb, gcPercent},  // it has grown meanwhile
		{100 * mb, 10000 * mb, gcPercent}, //
	} {
		if got := p.look(look.live, look.allocated); got != look.want {
			t.Errorf("look %d, %d bytes alive, %d allocated: %d %%, want %d", i, look.live, look.allocated, got, look.want)
		}
	}
}
