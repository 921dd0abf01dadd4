package edge

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	natsstream "github.com/nats-io/nats.go/jetstream"

	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/broker/jetstream"
)

// unstorable is an engine whose registries can be away.
type unstorable struct {
	*jetstream.Engine
	away atomic.Bool
}

var errAway = errors.New("away")

func (u *unstorable) Registry(name string, most int) broker.Registry {
	return awayRegistry{u.Engine.Registry(name, most), &u.away}
}

type awayRegistry struct {
	broker.Registry
	away *atomic.Bool
}

func (r awayRegistry) Put(ctx context.Context, key string, value []byte, keep time.Duration) error {
	if r.away.Load() {
		return errAway
	}
	return r.Registry.Put(ctx, key, value, keep)
}

func (r awayRegistry) Read(ctx context.Context, from broker.Mark, take func([]byte)) (broker.Mark, bool, error) {
	if r.away.Load() {
		return from, false, errAway
	}
	return r.Registry.Read(ctx, from, take)
}

// deleteRevocations deletes the stream that keeps them.
func deleteRevocations(t *testing.T, ns *nodes) {
	t.Helper()
	nc, err := nats.Connect("", ns.engine.Options()...)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := natsstream.New(nc)
	if err == nil {
		err = js.DeleteStream(t.Context(), "wsedge-revocations")
	}
	if err != nil {
		t.Fatal(err)
	}
}
