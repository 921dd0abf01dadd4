// Package presence is what the nodes of one deployment tell each other of the members of their channels.
//
// Two things, and no more. Where a namespace has notices, a node tells its changes to those that have members of the same channel: each follows a group of that name, and
// nobody else hears of it. Whoever lists members, or channels, asks all nodes. Nothing is kept for others: a node knows how many members each other node has of
// the channels that it has open itself, and no more about them.
//
// What was lost is repaired. Once in a while each node tells each other a digest of what that should know of it, in 256 buckets by the channels' names; what differs is told again, in a round, at whose
// end the other drops what it was not told. That finds all but channels of which neither has heard that the other has them: they are found by a round of all channels, which comes less often.
//
// Ownership: one goroutine tells, and follows; what others tell is taken on the cluster's. Exchange.mu is held for a look-up only, never while a channel is used: a channel's members are locked around
// Stirred.
package presence
