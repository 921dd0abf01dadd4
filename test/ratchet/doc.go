// Package ratchet counts the instructions of what a server does most, and holds them against what they were: a later feature
// cannot make a delivery dearer unseen. Instructions, unlike times, are the same on every machine of one kind, busy or not.
//
// What is counted is our own code, system calls' entries, allocations and copies: not the kernel, and not the scheduler and the
// collector, whose share depends on when they run. A workload runs twice under valgrind's callgrind, with different numbers of
// the same thing; the difference, divided, is what one costs, without what it takes to begin and to end.
package ratchet
