package broker

import "unsafe"

// LogBytes is the size of a log that keeps nothing.
const LogBytes = unsafe.Sizeof(memoryLog{})
