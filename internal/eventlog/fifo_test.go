package eventlog

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// within fails the test where f has not returned after a generous time.
func within(t *testing.T, what string, f func()) {
	t.Helper()
	returned := make(chan struct{})
	go func() { f(); close(returned) }()
	select {
	case <-returned:
	case <-time.After(time.Minute):
		t.Fatalf("%s has not returned", what)
	}
}

// fifo makes a named pipe.
func fifo(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// A pipe that nobody reads is refused: opening it would hold up the start, or the goroutine that gets the signals.
func TestPipeWithoutReader(t *testing.T) {
	name := fifo(t)
	e, _ := start(t, Settings{})
	within(t, "Configure", func() {
		if err := e.Configure(Settings{Push: Push{Enabled: true, File: name}}); err == nil {
			t.Error("no error")
		}
	})
}

// A pipe whose reader has stopped reading costs lines, and nothing else waits for it.
func TestPipeThatIsFull(t *testing.T) {
	name := fifo(t)
	reader, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	e, log := start(t, Settings{Push: Push{Enabled: true, File: name, Data: DataHead, HeadBytes: MaxHeadBytes}})
	const lines = 1000 // some 1.1 MB: a pipe takes 64 KiB
	for range lines {
		push(e, Pushed{Channel: "news", Data: []byte(strings.Repeat("x", MaxHeadBytes))})
	}
	within(t, "Reopen", func() {
		if err := e.Reopen(); err != nil {
			t.Error(err)
		}
	})
	within(t, "Close", e.Close)
	if st := e.Stats(); st.Pushes+st.PushesDropped != lines || st.PushesDropped == 0 {
		t.Errorf("%+v", st)
	}
	if !strings.Contains(log.String(), "can't be written") {
		t.Errorf("main log: %s", log)
	}
}
