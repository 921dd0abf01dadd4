// Package leaktest fails a test binary that leaves goroutines, files or buffers behind. It is for TestMain, and for
// nothing else.
//
// Ownership: it owns nothing; it counts.
package leaktest

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wsedge/wsedge/pool"
)

// patience is how long what is just ending may take. Tests that leave nothing behind do not wait for it.
const patience = 20 * time.Second

// Run runs warmUp, which starts what a process keeps once it has it, then the tests, and ends the process.
func Run(m *testing.M, warmUp func()) {
	warmUp()
	before := holdings()
	code := m.Run()
	if code == 0 && !before.restored() {
		fmt.Printf("leak: %+v, was %+v\n%s\n", holdings(), before, strings.Join(stacks(), "\n\n"))
		code = 1
	}
	os.Exit(code)
}

// held is what a process has.
type held struct {
	goroutines, files int
	buffers           pool.Ledger
}

func holdings() held {
	files, _ := os.ReadDir("/proc/self/fd") // elsewhere than on Linux: none, before and after
	return held{goroutines: len(stacks()), files: len(files), buffers: pool.Outstanding()}
}

// stacks are those of all goroutines, but for the idle workers that the engine keeps for a while, and the one for signals that a
// process keeps once something, such as the fuzzer, has asked for them.
func stacks() []string {
	b := make([]byte, 64<<10)
	n := runtime.Stack(b, true)
	for ; n == len(b); n = runtime.Stack(b, true) {
		b = make([]byte, 2*len(b))
	}
	return slices.DeleteFunc(strings.Split(string(b[:n]), "\n\n"), func(stack string) bool {
		return strings.Contains(stack, "goWorker).run") || strings.Contains(stack, "os/signal.loop")
	})
}

// restored waits until the process has no more than it had.
func (h held) restored() bool {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		now := holdings()
		if now.goroutines <= h.goroutines && now.files <= h.files && now.buffers == h.buffers {
			return true
		}
	}
	return false
}
