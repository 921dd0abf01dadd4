// Package metrics writes the server's numbers in the text format that Prometheus reads.
//
// It never labels by anything that a client chose, so the number of series is bounded by the number of reasons there are.
//
// Ownership: it keeps nothing, and counts nothing by itself.
package metrics
