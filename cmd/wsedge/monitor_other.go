//go:build !linux

package main

// calmMonitor has no counterpart elsewhere.
func calmMonitor() {}

// calmedMonitor is in no environment here.
const calmedMonitor = ""
