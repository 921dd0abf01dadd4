//go:build !linux

package main

import "time"

// monotonic has nobody to tell it to elsewhere.
func monotonic() time.Duration { return 0 }
