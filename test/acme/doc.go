// Package acme has a wsedge server obtain and renew certificates from Pebble, the small ACME server that Let's Encrypt tests
// clients with. It is a module of its own, as none of that is for users of wsedge.
//
// It never leaves the machine: Pebble resolves names with a DNS server of the test.
//
// Ownership: each test starts what it needs, and ends it.
package acme
