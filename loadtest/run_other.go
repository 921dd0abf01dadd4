//go:build !linux

package loadtest

import (
	"context"
	"io"
)

// Run needs Linux.
func Run(context.Context, Config) (*Report, error) { return nil, ErrNeedsLinux }

// RunFloor needs Linux.
func RunFloor(context.Context, Config) (*Report, error) { return nil, ErrNeedsLinux }

// RunWorker needs Linux.
func RunWorker(context.Context, io.Reader, io.Writer) error { return ErrNeedsLinux }
