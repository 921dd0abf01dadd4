// Package limit counts and paces: how many of something somebody has, and how often they do something.
//
// A Rate and a Bucket are a token bucket in eight bytes. Counters and Rates keep one counter, or one bucket, for each address
// or user, in tables that are bounded: where one is full, newcomers share one entry, so that they are held to the limit
// together and nobody gets by without one. Slots bound what goes on at once, and Refusals count who was refused.
//
// It never reads a clock, starts no goroutine, and knows no connection.
//
// Ownership: a Bucket belongs to whoever holds it. Everything else is safe from any goroutine; a table's mutexes are held for
// one look-up.
package limit
