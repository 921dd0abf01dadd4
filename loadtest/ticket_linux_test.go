package loadtest

import (
	"strings"
	"testing"
)

// TestTickets: who comes back has a ticket, says one message, and is owed what was missed; where no ticket is good the setup follows.
func TestTickets(t *testing.T) {
	for _, bad := range []bool{false, true} {
		s := &pushServer{epoch: "e", badTickets: bad}
		s.start(t)
		cfg := recoveryRun(s.url("/ws"), DropReset)
		cfg.Ticket, cfg.Token = true, "a.b-c_d"
		r, err := Run(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		if c := r.Recovery; c.Returned != 30 || c.Recovered != 30 || r.Ledger.Lost != 0 {
			t.Errorf("bad tickets %v: %+v", bad, c)
		}
		s.mu.Lock()
		tokens, tickets := 0, 0
		for _, said := range s.connects {
			switch {
			case strings.Contains(said, `{"type":"connect","id":1,"ticket":true,"token":"a.b-c_d"}`):
				tokens++
			case strings.HasPrefix(said, `{"type":"connect","id":2,"ticket":"a ticket","positions":{"load":{"epoch":"e","offset":`):
				tickets++
			}
		}
		s.mu.Unlock()
		want := 60
		if bad {
			want += 30
		}
		if tokens != want || tickets != 30 || len(s.connects) != tokens+tickets {
			t.Errorf("bad tickets %v: %d tokens and %d tickets of %d", bad, tokens, tickets, len(s.connects))
		}
	}
}
