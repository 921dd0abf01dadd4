package loadtest

import (
	"math"
	"testing"
)

func TestTurnsUniform(t *testing.T) {
	plan := topicPlan{Sizes: []int{4, 2, 1}, Publishers: 5} // topic 0 has streams 0 and 3, topic 1 has 1 and 4, topic 2 has 2
	turns := newTurns(&plan, RatesUniform)
	for i, want := range []int{0, 1, 2, 3, 4, 2, 0, 1, 2} {
		if got := turns.stream(); got != want {
			t.Errorf("publication %d is of stream %d, want %d", i, got, want)
		}
	}
}

// TestTurnsBySize has each topic come round in proportion to its size, to within one, at any time.
func TestTurnsBySize(t *testing.T) {
	s, err := ParseTopicSizes("zipf:1")
	if err != nil {
		t.Fatal(err)
	}
	plan := topicPlan{Sizes: s.shareOut(1000, 37), Publishers: 4}
	turns := newTurns(&plan, RatesBySize)
	taken := make([]int, plan.count())
	for n := 1; n <= 5000; n++ {
		stream := turns.stream()
		topic := stream % plan.count()
		taken[topic]++
		for topic, got := range taken {
			if want := float64(n) * float64(plan.Sizes[topic]) / 1000; math.Abs(float64(got)-want) > 2 {
				t.Fatalf("after %d: topic %d has had %d, want %.1f", n, topic, got, want)
			}
		}
	}
}

func TestTurnsOfOneTopicGoOverThePublishers(t *testing.T) {
	plan := topicPlan{Sizes: []int{9}, Publishers: 3}
	for _, rates := range []TopicRates{RatesUniform, RatesBySize} {
		turns := newTurns(&plan, rates)
		for i := range 7 {
			if got := turns.stream(); got != i%3 {
				t.Errorf("%s: publication %d goes to %d", rates, i, got)
			}
		}
	}
}
