package loadtest

import (
	"strings"
	"testing"
)

func TestParseArrivals(t *testing.T) {
	for text, want := range map[string]string{
		"": "constant", "constant": "constant", "poisson": "poisson", "burst:8": "burst:8",
		"step:100@10s,200@1m,0.5": "step:100@10s,200@1m0s,0.5", "step:1e3": "step:1000", "step:1@5s": "step:1@5s",
	} {
		a, err := ParseArrivals(text)
		if err != nil || a.String() != want {
			t.Errorf("%q: got %q, %v; want %q", text, a, err, want)
		}
		var again Arrivals
		if err := again.UnmarshalText([]byte(a.String())); err != nil || again.String() != want {
			t.Errorf("%q: comes back as %q, %v", text, again, err)
		}
	}
}

func TestParseArrivalsRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"uniform": "want constant, poisson", "poisson:3": "want constant", "burst": "N from 1", "burst:0": "N from 1",
		"burst:65537": "N from 1", "burst:x": "N from 1", "step": "step 1: the rate", "step:": "step 1: the rate",
		"step:1@1s,": "step 2: the rate", "step:1,2": "only the last one", "step:1@fast,2": "invalid duration",
		"step:0@1s": "the rate", "step:NaN": "the rate", "step:Inf": "the rate", "step:-1": "the rate", "step:5@0s,1": "longer than nothing",
	} {
		if a, err := ParseArrivals(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %q, %v; want an error with %q", text, a, err, want)
		}
	}
}
