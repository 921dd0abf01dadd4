package loadtest

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// workerVariable makes the test binary a worker process.
const workerVariable = "LOADTEST_TEST_WORKER"

func TestMain(m *testing.M) {
	if os.Getenv(workerVariable) != "" {
		if err := RunWorker(context.Background(), os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if text := os.Getenv(agentVariable); text != "" {
		os.Exit(runTestAgent(text))
	}
	if os.Getenv(floorVariable) != "" {
		os.Exit(runFloorProcess())
	}
	if os.Getenv(spinVariable) != "" {
		spinUntilEOF(os.Stdin)
		os.Exit(0)
	}
	if os.Getenv(idleServerVariable) != "" {
		os.Exit(serveUntilEOF(os.Stdin))
	}
	if url := os.Getenv(starvedVariable); url != "" {
		os.Exit(runStarved(url))
	}
	// The signal package's goroutine stays once it runs, and fuzzing starts it.
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGUSR1)
	signal.Stop(c)
	goroutines, files := runtime.NumGoroutine(), openFiles()
	code := m.Run()
	if code == 0 {
		code = findLeaks(goroutines, files)
	}
	os.Exit(code)
}

// findLeaks gives what is just ending some time to end.
func findLeaks(goroutines, files int) int {
	deadline := time.Now().Add(10 * time.Second)
	for runtime.NumGoroutine() > goroutines || openFiles() > files {
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<20)
			stacks = stacks[:runtime.Stack(stacks, true)]
			fmt.Fprintf(os.Stderr, "leak: %d goroutines (%d before), %d files (%d before)\n%s\n",
				runtime.NumGoroutine(), goroutines, openFiles(), files, stacks)
			return 1
		}
		runtime.Gosched()
	}
	return 0
}

// openFiles does not count what the runtime opens for good when the first socket is made: an epoll instance and an eventfd.
func openFiles() (n int) {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	for _, e := range entries {
		if target, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && len(target) > 7 && target[:7] == "socket:" {
			n++
		}
	}
	return n
}
