// Package pool keeps the buffers of wsedge: sized ones with one owner, and shared ones with a reference count.
//
// It does no I/O, starts no goroutine and knows nothing of frames or connections. It is the only package that imports
// bytebufferpool.
//
// # Ownership
//
// Get and NewShared give the caller a buffer that it owns. A Buffer has one owner, who calls Release exactly once. A
// Shared has as many owners as it has references: each Retain is answered by exactly one Release, and the bytes do not
// change once a second owner exists.
//
// Outstanding tells how many of each are held; a test that has put everything to rest asserts zero. Under the build tag
// wsedge_debug a released buffer is filled with poison, and a second release, or a use after it, panics.
package pool
