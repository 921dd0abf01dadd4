//go:build !wsedge_debug

package pool

const debug = false

func debugGet(*Buffer)     {}
func debugUse(*Buffer)     {}
func debugRelease(*Buffer) {}
