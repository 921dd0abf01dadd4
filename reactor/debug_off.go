//go:build !wsedge_debug

package reactor

// debugEnabled tells tests which build this is.
const debugEnabled = false

// owner is the goroutine that a loop runs on. Only builds with the tag wsedge_debug know it.
type owner struct{}

func currentOwner() owner { return owner{} }

func (owner) check() {}
