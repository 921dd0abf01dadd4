//go:build !linux

package floor

import (
	"context"
	"io"
)

type child struct{}

// Run needs Linux.
func Run(context.Context, io.Reader, io.Writer) error { return ErrNeedsLinux }

// Start needs Linux.
func Start(context.Context, Config) (*Floor, error) { return nil, ErrNeedsLinux }

// Close has nothing to end.
func (f *Floor) Close() error { return nil }
