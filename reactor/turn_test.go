package reactor

import "testing"

// A turn in which a connection was accepted has fewer deliveries, and no turn has none.
func TestTurnsAreShortWhileConnectionsAreAccepted(t *testing.T) {
	for _, c := range []struct{ sends, accepting int }{{128, 16}, {8, 1}, {3, 1}, {1, 1}} {
		l := &loop{srv: &Server{cfg: Config{TurnMaxSends: c.sends}}}
		if got := l.turnBudget(); got != c.sends {
			t.Errorf("%d a turn, want %d", got, c.sends)
		}
		l.accepted = true
		if got := l.turnBudget(); got != c.accepting {
			t.Errorf("%d of %d in a turn that accepted, want %d", got, c.sends, c.accepting)
		}
		if got := l.turnBudget(); got != c.sends {
			t.Errorf("%d in the one behind it, want %d", got, c.sends)
		}
	}
}
