// Package channel says what a channel's name may look like.
//
// It never knows whether a channel exists or who may use it.
//
// Ownership: it keeps nothing.
package channel
