package jetstream

import (
	"strconv"
	"testing"
)

// An engine starts until somebody who leads has answered; that it is away later changes nothing.
func TestStartingUntilItCanBeUsed(t *testing.T) {
	dir, port := t.TempDir(), freePort(t)
	e := connect(t, nil, Config{URL: "nats://127.0.0.1:" + strconv.Itoa(port)})
	if h := e.Health(); h.Up || !h.Starting {
		t.Errorf("%+v without a server", h)
	}
	s := startNATS(t, dir, port)
	awaitThat(t, "it can be used", func() bool { return !e.Health().Starting })
	stopNATS(s)
	awaitState(t, e, false)
	if e.Health().Starting {
		t.Error("it starts again")
	}
}
