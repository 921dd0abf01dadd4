// Command table keeps the results of loadtest/bench-peers.sh and makes a page of them.
//
//	table add SERVER ROUND STATUS FILE    one line for a runs.jsonl: a report of wsload, and what ran
//	table page DIR                        a page in Markdown from DIR/runs.jsonl and DIR/machine.txt
//
// It judges nothing and leaves no run out: what lost deliveries, or was bounded by the load tool, is told beside the figures.
//
// Ownership: one goroutine, which only reads.
package main
