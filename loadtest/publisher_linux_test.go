package loadtest

import (
	"net/http"
	"testing"
)

func TestFanoutRefusedPublicationsAreNotExpected(t *testing.T) {
	s := &pushServer{publish: func(nth int) int {
		if nth%4 == 1 {
			return http.StatusTooManyRequests
		}
		return http.StatusOK
	}}
	s.start(t)
	r := mustRun(t, shortFanout(s.url("/ws")))
	p := r.Publications
	if !r.Verdict.OK || p.Acknowledged != 15 || p.Refused != 5 || p.Causes["status 429"] != 5 || r.Ledger.Received != 75 {
		t.Errorf("%v, %+v, %+v", r.Verdict, p, r.Ledger)
	}
}

// What nobody has answered, or a server whose engine has not, may have been published: its number is not used again.
func TestFanoutUnknownOutcomeIsReported(t *testing.T) {
	for _, status := range []int{0, http.StatusGatewayTimeout} {
		s := &pushServer{publish: func(nth int) int {
			if nth == 3 {
				return status
			}
			return http.StatusOK
		}}
		s.start(t)
		r := mustRun(t, shortFanout(s.url("/ws")))
		p, l := r.Publications, r.Ledger
		if r.Verdict.OK || p.Acknowledged != 19 || p.Unknown != 1 || l.Expected != 95 || l.Received != 95 || l.Unconfirmed != 5 || !l.clean() {
			t.Errorf("%d: %v, %+v, %+v", status, r.Verdict, p, l)
		}
		if status != 0 && p.Causes["status 504"] != 1 {
			t.Errorf("%v", p.Causes)
		}
	}
}

func TestFanoutPublicationsThatCannotBeSent(t *testing.T) {
	s := &pushServer{}
	s.start(t)
	cfg := shortFanout(s.url("/ws"))
	cfg.PublishURL = "http://" + refusingAddress(t) + "/api/publish"
	r := mustRun(t, cfg)
	if p := r.Publications; r.Verdict.OK || p.Failed != 20 || p.Causes["connect: ECONNREFUSED (connection refused)"] != 20 {
		t.Errorf("%v, %+v", r.Verdict, p)
	}
}

func TestPublicationLostForAllIsIncomplete(t *testing.T) {
	s := &pushServer{give: func(nth int, payload []byte) [][]byte {
		if nth == 7 || nth == 19 { // the last one leaves no record at all
			return nil
		}
		return [][]byte{payload}
	}}
	s.start(t)
	cfg := shortFanout(s.url("/ws"))
	cfg.Conns, cfg.all = 1, arrives(18, 0)
	r := mustRun(t, cfg)
	if r.Ledger.Lost != 2 || r.Incomplete != 2 || r.Completion.Count != 18 {
		t.Errorf("%d lost, %d incomplete, %d complete", r.Ledger.Lost, r.Incomplete, r.Completion.Count)
	}
}

// TestUnknownPublicationsAreAwaited: one of unknown outcome that is delivered must not stand in for the last one.
func TestUnknownPublicationsAreAwaited(t *testing.T) {
	for _, sizes := range [][]int{{10}, {6, 4}} {
		r := &run{board: newBoard(newClock(0), window{}), topics: topicPlan{Sizes: sizes, Publishers: 1}}
		r.board.unknown(failure{text: "closed"}, sizes[0])
		r.board.acknowledged(0, sizes[0])
		if owed := r.owed(progress{Ready: 10}); owed != uint64(2*sizes[0]) {
			t.Errorf("topics of %v: %d owed", sizes, owed)
		}
	}
}
