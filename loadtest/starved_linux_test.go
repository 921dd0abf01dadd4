package loadtest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// These make the test binary a neighbour that uses up a processor, and a generator that has to share it.
const (
	spinVariable    = "LOADTEST_TEST_SPIN"
	starvedVariable = "LOADTEST_TEST_STARVED"
)

// spinUntilEOF keeps a processor busy for as long as somebody holds the other end of in.
func spinUntilEOF(in io.Reader) {
	var ended atomic.Bool
	go func() {
		_, _ = io.Copy(io.Discard, in)
		ended.Store(true)
	}()
	for !ended.Load() {
	}
}

// runStarved echoes against url and writes the report.
func runStarved(url string) int {
	report, err := Run(context.Background(), Config{
		Scenario: Echo, URL: url, Conns: 50, Rate: 5000, Duration: time.Second, Drain: 20 * time.Second, SetupTimeout: time.Minute,
	})
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(report)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// onOneProcessor runs start with a thread, and so with child processes, that may use only one of the processors.
func onOneProcessor(t *testing.T, start func()) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var all, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		t.Fatal(err)
	}
	for cpu := 0; one.Count() == 0; cpu++ {
		if all.IsSet(cpu) {
			one.Set(cpu)
		}
	}
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		t.Fatal(err)
	}
	start()
	if err := unix.SchedSetaffinity(0, &all); err != nil {
		t.Fatal(err)
	}
}

// selfAs starts the test binary with a variable set. The returned function ends it and waits.
func selfAs(t *testing.T, variable, value string, stdout io.Writer) (process *exec.Cmd, end func()) {
	t.Helper()
	process = exec.Command(os.Args[0])
	process.Env = append(os.Environ(), variable+"="+value)
	process.Stdout, process.Stderr = stdout, os.Stderr
	in, err := process.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	return process, func() {
		_ = in.Close()
		_ = process.Wait()
	}
}

// TestStarvedGeneratorSaysInvalid gives the generator one processor, and four neighbours on it that never rest.
func TestStarvedGeneratorSaysInvalid(t *testing.T) {
	s := &pushServer{}
	s.start(t)
	var out bytes.Buffer
	var generator *exec.Cmd
	onOneProcessor(t, func() {
		for range 4 {
			_, end := selfAs(t, spinVariable, "1", nil)
			defer end()
		}
		var end func()
		generator, end = selfAs(t, starvedVariable, s.url("/echo"), &out)
		end()
	})
	if !generator.ProcessState.Success() {
		t.Fatalf("the generator: %v", generator.ProcessState)
	}
	var report Report
	if err := json.Unmarshal(out.Bytes(), &report); err != nil {
		t.Fatalf("%v in %q", err, out.String())
	}
	g := report.Generator
	if !report.Verdict.Invalid || !g.Bottleneck || g.LoopLag.Count == 0 {
		t.Errorf("a starved generator says that it is fine: %+v at %+v", g, report.Latency)
	}
	// Slow as it was, what it says of losses holds.
	if !report.Verdict.OK || report.Ledger.Received != 5000 {
		t.Errorf("%+v, %+v", report.Verdict, report.Ledger)
	}
	t.Log(strings.Join(g.Reasons, "; "))
}
