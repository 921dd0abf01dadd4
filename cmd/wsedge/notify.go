package main

import (
	"fmt"
	"log/slog"
	"net"
	"time"
)

// supervisor is told how the server does, by the protocol of sd_notify(3): a line or more in a datagram to the Unix socket that
// NOTIFY_SOCKET names. systemd then knows when the server listens, and waits for that. nil where nobody wants to know.
type supervisor struct {
	address *net.UnixAddr
	logger  *slog.Logger
}

// newSupervisor returns that of the environment.
func newSupervisor(e *environment, logger *slog.Logger) *supervisor {
	name, ok := e.lookup("NOTIFY_SOCKET")
	if !ok || name == "" {
		return nil
	}
	return &supervisor{&net.UnixAddr{Name: name, Net: "unixgram"}, logger} // a name that begins with @ is abstract, there as here
}

// tell sends a state. Who can't be told loses nothing but that.
func (s *supervisor) tell(state string) {
	if s == nil {
		return
	}
	conn, err := net.DialUnix("unixgram", nil, s.address)
	if err == nil {
		defer conn.Close()
		_ = conn.SetWriteDeadline(time.Now().Add(time.Second))
		_, err = conn.Write([]byte(state))
	}
	if err != nil {
		s.logger.Warn("the supervisor was not told", "state", state, "error", err)
	}
}

// ready says that the server listens, or goes on as newly configured.
func (s *supervisor) ready() { s.tell("READY=1") }

// reloading says that ready comes once the configuration has been read again.
func (s *supervisor) reloading() {
	s.tell(fmt.Sprintf("RELOADING=1\nMONOTONIC_USEC=%d", monotonic().Microseconds()))
}

// stopping says that the server drains, which may take that long. The supervisor waits for it, whatever it would otherwise allow.
func (s *supervisor) stopping(drain time.Duration) {
	const spare = 5 * time.Second // for the process to end
	s.tell(fmt.Sprintf("STOPPING=1\nEXTEND_TIMEOUT_USEC=%d\nSTATUS=draining", (drain + spare).Microseconds()))
}
