package loadtest

import (
	"context"
	"errors"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// failureOf classifies what the system says of a connection while doing something.
func failureOf(doing string, err error) failure {
	if f, ok := tlsFailureOf(err); ok {
		return f
	}
	f := failure{text: causeOf(doing, err)}
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns):
		f.class, f.text = failedDNS, "dns: "+dns.Err
	case errors.Is(err, unix.ECONNREFUSED):
		f.class = failedRefused
	case errors.Is(err, unix.ECONNRESET), errors.Is(err, unix.EPIPE), errors.Is(err, unix.ECONNABORTED):
		f.class = failedReset
	case errors.Is(err, unix.ETIMEDOUT), errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		f.class, f.kind = failedTimeout, doing
	}
	return f
}

// causeOf names a failure for people.
func causeOf(doing string, err error) string {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		if name := unix.ErrnoName(errno); name != "" {
			return doing + ": " + name + " (" + errno.Error() + ")"
		}
		return doing + ": " + errno.Error()
	}
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	return doing + ": " + err.Error()
}
