package main

import (
	"os"
	"testing"
)

// TestMain makes the test binary what wsload is to the processes that it starts: otherwise each of them would run all tests.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == "floor-server" || os.Args[1] == "worker") {
		os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// TestFloorCommand runs the floor in a process of its own.
func TestFloorCommand(t *testing.T) {
	var stdout, stderr writerOf
	args := []string{"floor", "--conns", "10", "--duration", "100ms", "--warmup", "0", "--settle", "0", "--drain", "30s", "--rate", "50", "--quiet", "--accept-invalid"}
	if code := run(args, nil, &stdout, &stderr); code != exitOK {
		t.Errorf("%d, %s, %s", code, stdout, stderr)
	}
}

type writerOf []byte

func (w *writerOf) Write(p []byte) (int, error) {
	*w = append(*w, p...)
	return len(p), nil
}
