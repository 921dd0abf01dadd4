package edge

import (
	"context"
	"time"

	"github.com/wsedge/wsedge/internal/webhook"
)

// hooksGrace is how long, after the last connection has ended, the backend may still be told of the ends.
const hooksGrace = 5 * time.Second

func newHooks(cfg Config, node string) *webhook.Client {
	hooks := *cfg.Webhooks
	if hooks.Logger == nil {
		hooks.Logger = cfg.Logger
	}
	if cfg.Tracer != nil {
		hooks.Trace = cfg.Tracer.Question
	}
	return webhook.New(hooks, node)
}

func closeHooks(hooks *webhook.Client) {
	ctx, cancel := context.WithTimeout(context.Background(), hooksGrace)
	defer cancel()
	hooks.Close(ctx)
}
