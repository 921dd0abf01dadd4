// Package capacity says how many nodes a load needs: sums over what was measured (docs/BENCHMARKS.md), and nothing that was not.
//
// It never measures, looks at no machine, and rounds up. What it says is where to begin: measure your own load with wsload before you rely on it.
//
// Ownership: values in, values out.
package capacity
