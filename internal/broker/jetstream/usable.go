package jetstream

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// usableEvery is how often it is tried whether the engine can be used, until it could be once. usablePatience is how long an answer may take.
const (
	usableEvery    = 100 * time.Millisecond
	usablePatience = time.Second
)

// awaitUse waits until the engine can be used: a connection is not enough, since a member of a cluster has one to itself at once. Who answers for a stream, or says that
// there is none, is a leader. It is a goroutine.
func (e *Engine) awaitUse() {
	for !e.isUsable() {
		if !e.rest(usableEvery) {
			return
		}
	}
	e.used.Store(true)
}

func (e *Engine) isUsable() bool {
	if !e.link.nc.IsConnected() {
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), usablePatience)
	defer cancel()
	_, err := e.js.Stream(ctx, e.config.Prefix)
	return err == nil || errors.Is(err, jetstream.ErrStreamNotFound)
}
