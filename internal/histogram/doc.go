// Package histogram counts durations in buckets, from any number of goroutines, without a lock.
//
// It does no I/O, reads no clock, and knows nothing of who reads it.
//
// Ownership: a Durations may be used from any goroutine.
package histogram
