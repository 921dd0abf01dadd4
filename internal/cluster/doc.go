// Package cluster is what the nodes of one deployment know of each other, and say to each other, beside publications: who is there, what all
// should hear, what all are asked.
//
// It promises little, and says so: what is told may be lost, and then those who listen hear that something was (Change). Nothing is kept. What must hold across a
// restart belongs into an engine.
//
// Ownership: handlers and watchers are called one at a time, in the order in which messages come, on goroutines of the wire; they must not wait, and own the bytes that
// they get. All methods are safe from any goroutine, and work on a nil *Cluster, which is a node that is alone.
package cluster
