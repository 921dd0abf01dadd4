package loadtest

import "errors"

var (
	// ErrUsage is wrapped by what Run returns for a configuration that cannot work.
	ErrUsage = errors.New("usage")
	// ErrNeedsLinux is what Run returns elsewhere: the connections need epoll, and processes compare CLOCK_MONOTONIC.
	ErrNeedsLinux = errors.New("wsload needs Linux (epoll)")
)

// configError wraps ErrUsage without its text.
type configError struct{ error }

func (configError) Is(target error) bool { return target == ErrUsage }

func (e configError) Unwrap() error { return e.error }

func usageError(err error) error { return configError{err} }
