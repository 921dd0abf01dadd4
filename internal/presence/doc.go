// Package presence is what the nodes of one deployment tell each other of the members of their channels.
//
// Two things, and no more. Where a namespace has notices, a node tells its changes to those that have members of the same channel: each follows a group of that name, and
// nobody else hears of it. Whoever lists members, or channels, asks all nodes. Nothing is kept for others: a node knows how many members each other node has of
// the channels that it has open itself, and no more about them.
//
// What was lost is repaired by rounds: once in a while a node tells its count of every such channel, and, at the end, that this was all. What it did not tell in two rounds it has not.
//
// Ownership: one goroutine tells, and follows; what others tell is taken on the cluster's. Exchange.mu is held for a look-up only, never while a channel is used: a channel's members are locked around
// Stirred.
package presence
