package auth

import (
	"errors"
	"fmt"
	"time"
)

// Auth verifies what clients and backends present.
type Auth struct {
	// Immutable after New.
	config Config
	now    func() time.Time
}

// New makes an Auth. now is the wall clock.
func New(cfg Config, now func() time.Time) (*Auth, error) {
	cfg = cfg.withDefaults()
	if problems := cfg.problems(); len(problems) > 0 {
		return nil, fmt.Errorf("%w: %w", ErrConfig, errors.Join(problems...))
	}
	return &Auth{config: cfg, now: now}, nil
}
