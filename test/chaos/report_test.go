package main

import (
	"strings"
	"testing"
	"time"
)

// TestReport: whoever reads it finds what was broken, for whom, and what went on at the time.
func TestReport(t *testing.T) {
	l := &load{ledger: newLedger([]string{"news"}), clients: []*client{}}
	a := &account{log: l.ledger.channels["news"], client: 7, node: "node2"}
	begin := time.Now()
	a.violate(silentGap, "publication 5", "7")
	outcomes := []*outcome{
		{fault: fault{Kind: killNode}, Name: "node1", Begin: begin, End: begin.Add(time.Second), Accepted: time.Second, Served: []time.Duration{time.Second, 3 * time.Second}},
		{fault: fault{Kind: pause}, Name: "node3", Begin: begin.Add(time.Hour), End: begin.Add(time.Hour)},
	}
	r := &report{Seed: 42, Counts: make(map[string]int)}
	r.add(nats1, l, outcomes)
	if r.clean() {
		t.Error("clean, with a violation")
	}
	var text strings.Builder
	r.write(&text)
	for _, want := range []string{"seed 42", "1 silent gaps", "client 7 node2 news", "publication 5", "kill a node node1", "3.0/3.0/3.0 s"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
	if faults := r.First[0].Faults; len(faults) != 1 || !strings.Contains(faults[0], "node1") {
		t.Errorf("%v, want the one that was around it", faults)
	}
}

func TestDistribution(t *testing.T) {
	times := make([]time.Duration, 200)
	for i := range times {
		times[i] = time.Duration(200-i) * time.Second
	}
	if d, want := distributionOf(times), (distribution{200, 101 * time.Second, 199 * time.Second, 200 * time.Second}); d != want {
		t.Errorf("%+v, want %+v", d, want)
	}
	if d := distributionOf(nil); d != (distribution{}) || d.String() != "-" {
		t.Errorf("%+v", d)
	}
}
