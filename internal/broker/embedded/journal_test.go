package embedded

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestJournalDoesNotRepeatItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		j := &journal{logger: slog.New(slog.NewTextHandler(&out, nil))}
		for i := range 30 {
			j.Errorf("no route to %d", i)
			j.Warnf("slow: %d", i)
			j.Noticef("ordinary")
			time.Sleep(time.Second) // by the clock of the bubble
		}
		if text := out.String(); strings.Count(text, "no route") != 3 || strings.Count(text, "slow") != 3 || strings.Contains(text, "ordinary") {
			t.Error(text)
		}
		if j.Fatalf("no %s", "disk"); j.fatal() != "no disk" {
			t.Errorf("%q", j.fatal())
		}
	})
}
