// Command chaos breaks a running wsedge cluster, over and over, and proves by a ledger that clients lost nothing in silence.
//
//	go run ./test/chaos -seed 7                                  # a short run, under three minutes
//	go run ./test/chaos -long                                    # the long one: make chaos-long
//	go run ./test/chaos -topologies nats3 -kill-engine 10        # faults of one kind
//
// It drives real processes only: wsedge and nats-server, built from this module, each in a network namespace of its own with two veth pairs: front leads to the
// clients, back to the other servers. So a node can be cut off from its clients, from its engine, or from both. The clients and publishers are in this process, which
// lives in the namespace of the two bridges. Everything is the child of one thread and dies with it, and the namespaces with the processes.
//
// Each channel has one publisher, which numbers its publications and sends one only when the one before it is acknowledged, repeating it with its idempotency key at
// another node until it is. So the order in a channel is known, and what a subscriber must hear is: the next number, or to be told (by gap, or by recovered:false)
// that it will not come. The ledger notes everything else.
//
// It needs Linux, root (for the namespaces) and the command ip. It imports nothing of wsedge: what judges shares no code with what it judges.
//
// # Ownership
//
// An account belongs to its client's goroutine, but for the number that it has heard, which is atomic. The ledger, and each channel in it, has a lock of its own.
package main
