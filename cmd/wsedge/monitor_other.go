//go:build !linux

package main

// calmMonitor has no counterpart elsewhere.
func calmMonitor() {}
