package edge

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"time"

	"github.com/wsedge/wsedge/internal/auth"
	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/channel"
	"github.com/wsedge/wsedge/internal/eventlog"
	"github.com/wsedge/wsedge/internal/metrics"
	"github.com/wsedge/wsedge/internal/tracing"
	"github.com/wsedge/wsedge/internal/webhook"
	"github.com/wsedge/wsedge/reactor"
)

// minHeadBytes holds the heads of browsers: less would keep out everybody.
const minHeadBytes = 1 << 10

// Config says how the push server listens and what it allows. The zero value of every field is a safe default.
type Config struct {
	// Addr is the TCP address to listen on, "host:port", or "unix:" and the path of a Unix socket. Default "127.0.0.1:8080".
	// A TCP address that is not a loopback one needs Auth or InsecurePublic. A Unix socket does not: its file's mode says who may connect.
	Addr string
	// SocketMode is that of a Unix socket's file. Default 0o660.
	SocketMode fs.FileMode
	// ProxyProtocol names the proxies that announce their clients by the PROXY protocol, version 2: see reactor.Config.
	ProxyProtocol reactor.Peers
	// TrustedProxies names the proxies whose X-Forwarded-For and X-Forwarded-Proto are believed: see reactor.Config.
	TrustedProxies reactor.Peers
	// Origins are those of web pages that may connect beside pages of the host itself, compared exactly: "https://app.example". "*" allows
	// any. They are about WebSockets only: the API takes no changes from foreign pages. Danger: with Anonymous, or without Auth, every
	// visitor of such a page connects with the rights of whoever can reach the server.
	Origins []string
	// InsecurePublic allows to listen where others can reach the server without Auth. Danger: everybody
	// who reaches it may subscribe and publish. It also turns the check of the Host header off.
	InsecurePublic bool
	// AdminAddr is the TCP address, "host:port", of metrics, profiles and the console, which are not on Addr then.
	// AdminOff: there are none. Default: metrics and the console are on Addr, and there are no profiles.
	AdminAddr string
	// InsecureAdmin allows an AdminAddr outside the loopback interface. Danger: there is no authentication on it but the console's; whoever
	// reaches it can see the memory of the process, and slow it down by profiles.
	InsecureAdmin bool
	// NoConsole has no console served.
	NoConsole bool
	// Broker keeps the channels' logs. Default broker.Memory.
	Broker broker.Broker
	// HistoryMaxBytes bounds the memory of all channels' history, if Broker is the default. Above it, channels that publish keep
	// less: see broker.MemoryConfig. Default 256 MiB.
	HistoryMaxBytes int64

	// Loops is the number of event loops: see reactor.Config.
	Loops int
	// MaxConns bounds the connections. Default: what the limit of open files allows.
	MaxConns int
	// MaxHeadBytes bounds the head of a request, and half of it its first line. Default 8 KiB.
	MaxHeadBytes int
	// MaxMessageBytes bounds a client's message. Default 64 KiB.
	MaxMessageBytes int64
	// MaxFrameRate is how many frames a second a client may send, and MaxControlRate how many pings and pongs; two seconds'
	// worth may come at once. From 10 to 30,000; default: no bound.
	MaxFrameRate, MaxControlRate int
	// Namespaces say what channels promise, and to whom. Default: channel.Open, in which anyone may do anything.
	Namespaces *channel.Namespaces
	// OutboundMaxBytes and OutboundMaxAge bound what waits for a client that does not read. Default 1 MiB and 10 s.
	OutboundMaxBytes int64
	OutboundMaxAge   time.Duration
	// NodeMaxBytes bounds the memory of all that waits; see reactor.Config. Above it publications are refused. Default 256 MiB.
	NodeMaxBytes int64
	// Deflate compresses for clients that offer permessage-deflate (RFC 7692). Danger: the length of a message that holds a
	// secret beside text which somebody else chooses tells about the secret.
	Deflate bool
	// DeflateTakeover lets compressed messages refer to earlier ones of the same connection, for 8 to 36 KiB of memory each.
	// Publications never do.
	DeflateTakeover bool
	// ChannelsPerConn bounds the channels of one client. Default 128.
	ChannelsPerConn int
	// MaxChannels bounds the channels of the node. Default 1,000,000.
	MaxChannels int
	// ChannelIdle is how long a channel that nobody uses is remembered; then it begins a new epoch. Default 5 min.
	ChannelIdle time.Duration

	// HandshakeTimeout bounds the time from accept to a complete request head. Default 5 s.
	HandshakeTimeout time.Duration
	// PingInterval is the silence after which a client is pinged. Default 25 s; negative: never.
	PingInterval time.Duration
	// PongTimeout is how long a pinged client may stay silent. Default 10 s.
	PongTimeout time.Duration

	// Limits bound what one address, user and client may take. Default: no bounds; see StandardLimits.
	Limits Limits
	// Drain says how the server shuts down.
	Drain Drain

	// TLS has the server speak TLS on its port. nil: plain text.
	TLS *reactor.TLSOptions

	// Webhooks have a backend decide what clients may do, or be told of it. nil: none. Its Logger defaults to the server's.
	Webhooks *webhook.Config

	// Tickets say whether clients get resume tickets, and by which keys.
	Tickets Tickets

	// FlightRecorder has the last events of each connection recorded. Default: nothing is.
	FlightRecorder FlightRecorder

	// Logs are the push log and the access log. Default: none.
	Logs eventlog.Settings

	// Tracer makes spans of what goes through the API, and of requests to webhooks. nil: there are none.
	Tracer *tracing.Tracer

	// Certificates are those that the server shows, for the metrics. nil: nobody is told of them.
	Certificates func() []metrics.Certificate

	// Worker has the server be one of several that look like one. nil: it is alone.
	Worker *Worker

	// NodeName is what other nodes, and people, call this one. Default: nothing.
	NodeName string
	// Version is what /api/info calls the server.
	Version string
	// Auth says which clients and backends are let in. nil: development mode, everybody is.
	Auth *auth.Config

	// Logger gets what an operator must know. Default slog.Default().
	Logger *slog.Logger

	now         func() time.Time                     // a test's clock
	after       func(time.Duration) <-chan time.Time // and its timer
	bodyTimeout time.Duration                        // for tests; default requestBodyTimeout
	stuckAfter  time.Duration                        // likewise
	ticketTick  time.Duration                        // likewise; default defaultTicketTick
	afterFunc   func(time.Duration, func())          // and its timers for notices

	beat  time.Duration // for tests: see cluster.Config
	every time.Duration // likewise: see presence.Config
}

// ErrConfig says that a Config can't be used as it is.
var ErrConfig = errors.New("invalid configuration")

const (
	defaultAddr         = "127.0.0.1:8080"
	defaultPingInterval = 25 * time.Second
	sweepInterval       = 30 * time.Second
)

// Check reports all that is wrong with the configuration together, as an ErrConfig.
func (cfg Config) Check() error {
	_, err := cfg.withDefaults()
	return err
}

// withDefaults fills the fields left zero, and reports all that is wrong with the others together. What it does not know of
// it leaves to the reactor.
func (cfg Config) withDefaults() (Config, error) {
	var problems []error
	setDefault(&cfg.Addr, defaultAddr)
	if err := reactor.CheckAddr(cfg.Addr); err != nil {
		problems = append(problems, fmt.Errorf("address %q: %w", cfg.Addr, err))
	} else if !cfg.InsecurePublic && cfg.Auth == nil && !isLocal(cfg.Addr) {
		problems = append(problems, fmt.Errorf("address %q: there is no authentication, so that a server outside the loopback "+
			"interface is open to everybody who can reach it; allow that explicitly (--insecure-public) or listen on 127.0.0.1", cfg.Addr))
	}
	problems = append(problems, cfg.adminProblems()...)
	for _, origin := range cfg.Origins {
		if !validOrigin(origin) {
			problems = append(problems, fmt.Errorf("origin %q: want https://host, as browsers write it, or *", origin))
		}
	}
	if cfg.Namespaces == nil {
		cfg.Namespaces = channel.Open()
	}
	problems = append(problems, cfg.Namespaces.Check()...)
	if cfg.Webhooks != nil {
		problems = append(problems, cfg.Webhooks.Check()...)
	}
	if cfg.Auth != nil {
		if err := cfg.Auth.Check(); err != nil {
			problems = append(problems, err)
		}
	}
	setDefault(&cfg.ChannelsPerConn, 128)
	setDefault(&cfg.PingInterval, defaultPingInterval)
	for _, f := range []struct {
		name  string
		value int64
	}{
		{"connections", int64(cfg.MaxConns)}, {"head bytes", int64(cfg.MaxHeadBytes)}, {"message bytes", cfg.MaxMessageBytes}, {"channels per connection", int64(cfg.ChannelsPerConn)},
		{"frames a second", int64(cfg.MaxFrameRate)}, {"control frames a second", int64(cfg.MaxControlRate)},
		{"channels", int64(cfg.MaxChannels)}, {"idle time of channels", int64(cfg.ChannelIdle)},
		{"handshake timeout", int64(cfg.HandshakeTimeout)}, {"pong timeout", int64(cfg.PongTimeout)},
		{"outbound bytes", cfg.OutboundMaxBytes}, {"outbound age", int64(cfg.OutboundMaxAge)}, {"memory", cfg.NodeMaxBytes},
		{"history bytes", cfg.HistoryMaxBytes},
	} {
		if f.value < 0 {
			problems = append(problems, fmt.Errorf("%s: must not be negative", f.name))
		}
	}
	if 0 < cfg.MaxHeadBytes && cfg.MaxHeadBytes < minHeadBytes {
		problems = append(problems, fmt.Errorf("head bytes: must be at least %d", minHeadBytes))
	}
	problems = append(problems, cfg.Limits.problems()...)
	problems = append(problems, cfg.Tickets.problems()...)
	problems = append(problems, cfg.Drain.withDefaults()...)
	problems = append(problems, cfg.FlightRecorder.withDefaults()...)
	logs, badLogs := cfg.Logs.WithDefaults()
	cfg.Logs, problems = logs, append(problems, badLogs...)
	if cfg.DeflateTakeover && !cfg.Deflate {
		problems = append(problems, errors.New("context takeover needs compression"))
	}
	const noBound = -1
	setDefault(&cfg.MaxFrameRate, noBound)
	setDefault(&cfg.MaxControlRate, noBound)
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.now == nil {
		cfg.now = time.Now
	}
	if cfg.Broker == nil {
		cfg.Broker = broker.NewMemory(broker.MemoryConfig{MaxBytes: cfg.HistoryMaxBytes, Now: cfg.now})
	}
	if cfg.after == nil {
		cfg.after = time.After
	}
	setDefault(&cfg.bodyTimeout, requestBodyTimeout)
	setDefault(&cfg.stuckAfter, stuckAfter)
	setDefault(&cfg.ticketTick, defaultTicketTick)
	if len(problems) > 0 {
		return cfg, fmt.Errorf("%w: %w", ErrConfig, errors.Join(problems...))
	}
	return cfg, nil
}

// isLocal tells whether nobody outside this machine can reach a valid address.
func isLocal(addr string) bool {
	host, _, _ := net.SplitHostPort(addr)
	return reactor.IsUnix(addr) || isLoopback(host)
}

// deflateOptions are the reactor's; nil: no compression.
func (cfg *Config) deflateOptions() *reactor.DeflateOptions {
	if !cfg.Deflate {
		return nil
	}
	return &reactor.DeflateOptions{Takeover: cfg.DeflateTakeover}
}

// pingSeconds is what clients are told: how often, in seconds, they hear from the server at least; 0 for never.
func (cfg *Config) pingSeconds() int {
	if cfg.PingInterval < 0 {
		return 0
	}
	return int((cfg.PingInterval + time.Second - 1) / time.Second)
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
