package compare

import (
	"math"
	"slices"
)

// exactSplits bounds the ways to split the samples that are gone through; beyond it the normal approximation is good.
const exactSplits = 200_000

// rankTest is the two-sided Mann-Whitney U test: the probability that two samples of one distribution differ in rank at
// least as much as a and b do. 1 where a side is empty.
func rankTest(a, b []float64) float64 {
	if len(a) == 0 || len(b) == 0 {
		return 1
	}
	ranks, tied := midranks(a, b)
	sum := 0.0
	for _, r := range ranks[:len(a)] {
		sum += r
	}
	all := len(a) + len(b)
	mean := float64(len(a)*(all+1)) / 2
	if splits(all, len(a)) <= exactSplits {
		return exactShare(ranks, len(a), math.Abs(sum-mean), mean)
	}
	// The variance of the rank sum, less what ties take of it, and a correction by half a rank for continuity.
	n := float64(all)
	variance := float64(len(a)*len(b)) / 12 * (n + 1 - tied/(n*(n-1)))
	if variance <= 0 {
		return 1
	}
	z := max(math.Abs(sum-mean)-0.5, 0) / math.Sqrt(variance)
	return math.Erfc(z / math.Sqrt2)
}

// midranks ranks the values of both samples from 1 on, those of a first; equal ones share the mean of their ranks. tied is
// the sum of t³-t over the groups of equal ones.
func midranks(a, b []float64) (ranks []float64, tied float64) {
	all := slices.Concat(a, b)
	order := make([]int, len(all))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int {
		switch {
		case all[i] < all[j]:
			return -1
		case all[i] > all[j]:
			return 1
		}
		return 0
	})
	ranks = make([]float64, len(all))
	for from := 0; from < len(order); {
		to := from + 1
		for to < len(order) && all[order[to]] == all[order[from]] {
			to++
		}
		for _, i := range order[from:to] {
			ranks[i] = float64(from+to+1) / 2
		}
		t := float64(to - from)
		tied += t*t*t - t
		from = to
	}
	return ranks, tied
}

// splits is how many ways there are to choose k of n.
func splits(n, k int) float64 {
	ways := 1.0
	for i := range min(k, n-k) {
		ways *= float64(n-i) / float64(i+1)
	}
	return math.Round(ways)
}

// exactShare goes through all ways to choose k of the ranks and returns the share of those whose sum is at least as far from
// its mean.
func exactShare(ranks []float64, k int, distance, mean float64) float64 {
	const rounding = 1e-9 // sums of halves are exact; the difference need not be
	far, all := 0, 0
	var choose func(next, left int, sum float64)
	choose = func(next, left int, sum float64) {
		if left == 0 {
			all++
			if math.Abs(sum-mean) >= distance-rounding {
				far++
			}
			return
		}
		for i := next; i+left <= len(ranks); i++ {
			choose(i+1, left-1, sum+ranks[i])
		}
	}
	choose(0, k, 0)
	return float64(far) / float64(all)
}

// leastP is the smallest p that samples of these sizes can have.
func leastP(a, b int) float64 { return min(1, 2/splits(a+b, a)) }
