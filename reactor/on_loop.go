package reactor

import (
	"errors"
	"runtime"
	"strings"
)

// ErrOnLoop: Dial, Shutdown or StopAccepting was called on a loop, in a call of Handler, a hook, or what Conn.Post runs. They wait for the loops, and one
// would wait for itself: call them on a goroutine of their own, or from a BlockingHandler.
var ErrOnLoop = errors.New("reactor: called on a loop, which would wait for itself")

// calledOnLoop reports whether the caller runs on a loop, of whatever server. It walks the stack, in about a microsecond: only for what is slow anyway.
func calledOnLoop() bool {
	return calledFrom("reactor.(*engineEvents).OnOpen", "reactor.(*engineEvents).OnTraffic", "reactor.(*engineEvents).OnClose")
}

// inBlockingHandler reports whether the caller runs in a call of a BlockingHandler, of whatever server.
func inBlockingHandler() bool { return calledFrom("reactor.(*workers).call") }

// calledFrom reports whether one of the functions, as the runtime names them behind the package's path, is among the callers.
func calledFrom(functions ...string) bool {
	var callers [32]uintptr
	for skip := 2; ; skip += len(callers) {
		n := runtime.Callers(skip, callers[:])
		frames := runtime.CallersFrames(callers[:n])
		for more := n > 0; more; {
			var f runtime.Frame
			f, more = frames.Next()
			for _, function := range functions {
				if strings.HasSuffix(f.Function, "/"+function) {
					return true
				}
			}
		}
		if n < len(callers) {
			return false
		}
	}
}
