package compare

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestRankTest(t *testing.T) {
	cases := []struct {
		a, b []float64
		p    float64
	}{
		{nil, []float64{1}, 1},
		{[]float64{1}, []float64{2}, 1},
		{[]float64{1, 2, 3}, []float64{4, 5, 6}, 2.0 / 20},
		{[]float64{4, 5, 6}, []float64{1, 2, 3}, 2.0 / 20},
		{[]float64{1, 2, 3, 4}, []float64{5, 6, 7, 8}, 2.0 / 70},
		{[]float64{1, 2, 3, 4, 5}, []float64{6, 7, 8, 9, 10}, 2.0 / 252},
		// U = 2 of 25; the table of Mann and Whitney has 4 of the 252 splits at or below it on each side.
		{[]float64{1, 2, 3, 5, 6}, []float64{4, 7, 8, 9, 10}, 8.0 / 252},
		{[]float64{1, 1, 1}, []float64{1, 1, 1}, 1},
		// With ties: ranks 1.5 1.5 3 | 4.5 4.5 6 are the only split as far out as this, and its mirror.
		{[]float64{1, 1, 2}, []float64{3, 3, 4}, 2.0 / 20},
	}
	for _, c := range cases {
		if got := rankTest(c.a, c.b); math.Abs(got-c.p) > 1e-12 {
			t.Errorf("%v, %v: p = %g, want %g", c.a, c.b, got, c.p)
		}
	}
}

// TestRankTestApproximation compares the normal approximation with the permutation distribution, drawn at random.
func TestRankTestApproximation(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	a, b := make([]float64, 30), make([]float64, 40)
	for i := range a {
		a[i] = math.Round(20 * random.Float64()) // with ties
	}
	for i := range b {
		b[i] = math.Round(20*random.Float64()) + 2
	}
	ranks, _ := midranks(a, b)
	sum := func() (s float64) {
		for _, r := range ranks[:len(a)] {
			s += r
		}
		return s
	}
	mean := float64(len(a)*(len(ranks)+1)) / 2
	distance := math.Abs(sum() - mean)
	const draws = 200_000
	far := 0
	for range draws {
		random.Shuffle(len(ranks), func(i, j int) { ranks[i], ranks[j] = ranks[j], ranks[i] })
		if math.Abs(sum()-mean) >= distance {
			far++
		}
	}
	if got, want := rankTest(a, b), float64(far)/draws; math.Abs(got-want) > 0.005 {
		t.Errorf("p = %g, by permutation %g", got, want)
	}
	same := make([]float64, 50)
	if p := rankTest(same, same); p != 1 {
		t.Errorf("all equal: p = %g", p)
	}
}

// TestRankTestIsFair draws both sides from one distribution: p below 5 % has to come up in no more than 5 % of the draws.
func TestRankTestIsFair(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	const draws = 1000
	for _, n := range []int{5, 25} {
		low := 0
		for range draws {
			a, b := make([]float64, n), make([]float64, n)
			for i := range n {
				a[i], b[i] = random.Float64(), random.Float64()
			}
			if rankTest(a, b) < 0.05 {
				low++
			}
		}
		if share := float64(low) / draws; share > 0.06 || share < 0.02 {
			t.Errorf("%d samples: p < 0.05 in %.1f %% of the draws", n, 100*share)
		}
	}
}
