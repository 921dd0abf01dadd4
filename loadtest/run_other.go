//go:build !linux

package loadtest

import (
	"context"
	"errors"
	"io"
	"net"
)

// Run needs Linux.
func Run(context.Context, Config) (*Report, error) { return nil, ErrNeedsLinux }

// ServeAgent needs Linux.
func ServeAgent(_ context.Context, listener net.Listener, _ AgentConfig) error {
	return errors.Join(ErrNeedsLinux, listener.Close())
}

// RunFloor needs Linux.
func RunFloor(context.Context, Config) (*Report, error) { return nil, ErrNeedsLinux }

// RunWorker needs Linux.
func RunWorker(context.Context, io.Reader, io.Writer) error { return ErrNeedsLinux }
