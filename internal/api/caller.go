package api

import (
	"context"

	"github.com/wsedge/wsedge/internal/auth"
)

type callerKey struct{}

// WithCaller is a context for requests whose caller is known to hold an API key, so that none is asked for: for handlers in front of the
// API, such as the console's, which has seen the key at login. Scopes, channels and rate of the key count as ever.
func WithCaller(ctx context.Context, backend *auth.Backend) context.Context {
	return context.WithValue(ctx, callerKey{}, backend)
}

// caller is who WithCaller says; nil for nobody.
func caller(ctx context.Context) *auth.Backend {
	backend, _ := ctx.Value(callerKey{}).(*auth.Backend)
	return backend
}
