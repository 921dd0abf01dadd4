package console

import (
	"encoding/json"
	"strings"
	"testing"
)

// Every number of the figures is in the sum, but for those that say why not.
func TestSumHasEverything(t *testing.T) {
	one := func() *Stats {
		text, err := json.Marshal(&Stats{LagCounts: []int64{0}, LagBounds: []float64{0.5}})
		if err != nil {
			t.Fatal(err)
		}
		filled := strings.NewReplacer(":0", ":1", ":null", `:{"reason":1}`, "[0]", "[1]").Replace(string(text))
		s := &Stats{}
		if err := json.Unmarshal([]byte(filled), s); err != nil {
			t.Fatalf("%s: %v", filled, err)
		}
		return s
	}
	sum := &Stats{}
	sum.Add(one())
	sum.Add(one())
	ended := one()
	sum.AddTotals(ended)
	if ended.Drops["reason"] != 1 {
		t.Error("the summand has changed")
	}
	text, err := json.Marshal(sum)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		t.Fatal(err)
	}
	for name, value := range fields {
		want := "2"
		switch {
		case name == "node":
			want = `""`
		case name == "at_ms":
			want = "0"
		case name == "draining" || name == "auth":
			want = "false"
		case name == "pressure" || name == "cpus":
			want = "1"
		case name == "lag_bounds":
			want = "[0.5]"
		case name == "lag_counts_total":
			want = "[3]"
		case strings.HasPrefix(string(value), "{"):
			want = `{"reason":3}`
		case strings.HasSuffix(name, "_total"):
			want = "3"
		}
		if string(value) != want {
			t.Errorf("%s: %s, want %s", name, value, want)
		}
	}
}
