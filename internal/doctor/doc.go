// Package doctor judges a machine: what its limits, sysctls and memory allow a server, what is in the way, and how to change it.
// Look takes a Snapshot of what Linux tells in /proc and /sys; Judge turns it into a Report without looking at anything else.
// The sysctls it asks for are one table, Settings, from which packaging/sysctl/90-wsedge.conf is made.
//
// It changes nothing, opens no file by itself, and measures nothing: its figures are sums of what docs/BENCHMARKS.md has
// measured, and of what the kernel says it will allow.
//
// Ownership: nothing is shared. A Snapshot and a Report are plain values.
package doctor
