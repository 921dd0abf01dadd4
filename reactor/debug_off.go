//go:build !wsedge_debug

package reactor

// owner is the goroutine that a loop runs on. Only builds with the tag wsedge_debug know it.
type owner struct{}

func currentOwner() owner { return owner{} }

func (owner) check() {}
