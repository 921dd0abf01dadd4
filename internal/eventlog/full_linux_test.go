package eventlog

import (
	"strings"
	"testing"
)

// A file that can't be written costs its lines, which are counted, and the main log is told once.
func TestFullDisk(t *testing.T) {
	e, log := start(t, Settings{Push: Push{Enabled: true, File: "/dev/full"}})
	for range 3 {
		push(e, Pushed{Channel: "news"})
		if err := e.Reopen(); err != nil { // waits until it has been tried
			t.Fatal(err)
		}
	}
	e.Close()
	if st := e.Stats(); st.Pushes != 0 || st.PushesDropped != 3 {
		t.Errorf("%+v", st)
	}
	if !strings.Contains(log.String(), "can't be written") {
		t.Errorf("main log: %s", log)
	}
}
