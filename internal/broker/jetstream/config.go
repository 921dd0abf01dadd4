package jetstream

import (
	"cmp"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Config is what an Engine works with. But for URL, or an option that stands in for it, everything has a default.
type Config struct {
	// URL of one server or more, with commas between.
	URL string
	// Options of the connection beside those that the engine sets itself: credentials, TLS, or a server in the process.
	Options []nats.Option
	// Prefix begins the names of all streams and subjects. Deployments that share an account need different ones. Default "wsedge".
	Prefix string
	// Replicas is how many servers keep each stream. Default 1.
	Replicas int
	// InMemory keeps streams in memory: nothing is left when the servers end.
	InMemory bool
	// Namespace tells a channel's namespace, "" for the default one. Each has a stream of its own, so there must be a bound. Default: all channels are in
	// the default one.
	Namespace func(channel string) string
	// MaxCursorBytes bounds the memory of the cursors that this node has in hand: those of users who are connected, and those that it has still to store. A user
	// who comes when there is no more has none. Default 32 MiB, which are some 75,000.
	MaxCursorBytes int64
	// MaxPending and MaxPendingBytes bound the publications that NATS has not answered for; above it, one is refused with ErrBusy. Default
	// 16,384 and 64 MiB: at 100,000 publications a second that is an answer within 160 ms.
	MaxPending      int
	MaxPendingBytes int64
	// Backlog is how many messages may wait in the process for each of the goroutines that deliver. What is more is dropped by the client
	// library, and read from the stream later. Default 4096.
	Backlog int
	// Timeout is how long NATS may take for one answer. Default 5 s.
	Timeout time.Duration
	// SyncInterval is how often positions are compared with the stream, give or take a quarter. Default 3 s.
	SyncInterval time.Duration
	// FirstOffset is the first sequence of a new stream. Default: the present Unix time in microseconds, so that the offsets of a stream that was lost and
	// made anew are above those that clients have, for as long as there are fewer than a million publications a second.
	FirstOffset func() uint64
	// Now is the clock. Default time.Now.
	Now func() time.Time
	// Logger is told when the connection comes and goes, and what operators should see. Default slog.Default().
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	c.Prefix = cmp.Or(c.Prefix, "wsedge")
	c.Replicas = cmp.Or(c.Replicas, 1)
	c.MaxPending = cmp.Or(c.MaxPending, 16_384)
	c.MaxPendingBytes = cmp.Or(c.MaxPendingBytes, 64<<20)
	c.Backlog = cmp.Or(c.Backlog, 4096)
	c.Timeout = cmp.Or(c.Timeout, 5*time.Second)
	c.SyncInterval = cmp.Or(c.SyncInterval, 3*time.Second)
	c.MaxCursorBytes = cmp.Or(c.MaxCursorBytes, 32<<20)
	c.Logger = cmp.Or(c.Logger, slog.Default())
	if c.Namespace == nil {
		c.Namespace = func(string) string { return "" }
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.FirstOffset == nil {
		c.FirstOffset = func() uint64 { return uint64(c.Now().UnixMicro()) }
	}
	return c
}

func (c *Config) storage() jetstream.StorageType {
	if c.InMemory {
		return jetstream.MemoryStorage
	}
	return jetstream.FileStorage
}
