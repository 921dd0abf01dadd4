// Package native is the dialect wsedge.v1: its commands as values, and its replies and messages as bytes.
//
// It never does I/O, never knows a conn or a channel's state, and never decides who may do what.
//
// Ownership: a Command borrows from the frame it was parsed from. The Append functions append to what they are given and
// retain nothing.
package native
