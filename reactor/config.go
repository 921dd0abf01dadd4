package reactor

import (
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"time"

	"github.com/wsedge/wsedge/frame"
)

// Config says how a Server listens and what it allows. The zero value of every field but Handler is a safe
// default. All limits apply per connection unless they say otherwise.
type Config struct {
	// Addr is the TCP address to listen on, "host:port"; port 0 picks a free one, and no host, or [::], is IPv4 and IPv6. Or
	// "unix:" and the path of a Unix socket: what a dead server has left there is replaced, what a living one listens on is
	// an error. "": no listener, connections come by Server.ServeHTTP alone.
	Addr string
	// Listener is accepted on in place of Addr, which must be empty: a *net.TCPListener whose socket other processes have, too. What has
	// connected and was not accepted stays with the socket, when this server ends, for whoever accepts on it next. See SharedPort. The server
	// closes it once it has started.
	Listener net.Listener
	// SocketMode is that of a Unix socket's file, which decides who may connect. Default 0o660: the server's user and group.
	SocketMode fs.FileMode
	// ProxyProtocol names the proxies whose connections must begin with a header of the PROXY protocol, version 2, before
	// TLS: what it announces is the peer's address from then on. What does not begin so is hung up on, version 1 and its
	// text included; the command LOCAL, a proxy's own check, is taken. From everybody else such a header is not looked for,
	// and so is garbage. Danger: who is named here can claim any address.
	ProxyProtocol Peers
	// TrustedProxies names the proxies, after ProxyProtocol, whose X-Forwarded-For is believed: the rightmost address in it
	// that is none of theirs becomes the peer's, with port 0 where it has none. X-Forwarded-Proto then says what an Origin is
	// compared by; see also ClientTLS. Others may write into these headers what they like. Danger: a proxy that neither
	// sets nor appends to them lets its clients claim any address.
	TrustedProxies Peers
	// Newcomers bounds the sockets that are no WebSockets, by their address say. nil: only MaxConns and the timeouts do.
	Newcomers Newcomers
	// Handler is told of every conn and message, on the loops. It or Blocking is required.
	Handler Handler
	// Blocking is told instead of Handler, on goroutines of the server's own, where it may wait. See BlockingHandler.
	Blocking BlockingHandler
	// Workers bounds what Blocking takes.
	Workers WorkerOptions
	// TopicOptions are for the topics that Server.Topic makes.
	TopicOptions TopicOptions
	// HTTP serves requests that ask for no WebSocket, on the same port: the connection leaves the loops, with the bytes
	// already read, and is served by net/http. nil: such a request is answered with 426 and closed.
	HTTP http.Handler
	// RouteUpgrades has HTTP see requests for WebSockets, too: a router, say, with this Server behind some of its routes, and middleware
	// before them. Only what comes to Server.ServeHTTP is upgraded then, and Conn.Request is there. false: all are upgraded on the
	// loops, whatever their path, and HTTP sees none but those behind another request on one connection; it costs no goroutine.
	RouteUpgrades bool
	// Upgrade decides on a handshake that is good by its grammar, on the loop. nil accepts all. A *HandshakeError is
	// answered as it says, any other error with 500, as is one that is no HTTP: see Accept.Header. See Conn.Request for what net/http has brought.
	Upgrade func(c *Conn, r *Request) (Accept, error)
	// Origins are the values of the Origin header that are allowed beside the request's own host, compared exactly:
	// "https://example.org". "*" allows any, which lets every web page on the internet connect with its visitors' rights.
	// A request without Origin, which no browser sends, is always allowed.
	Origins []string
	// CloseCode chooses the close code and reason for what the reactor does by itself. nil: Cause.Default.
	CloseCode func(c *Conn, cause Cause) (CloseCode, string)
	// OnDrain is called for each open conn during Shutdown, just before its close frame, on its loop: a last word may
	// be sent. May be nil.
	OnDrain func(c *Conn)
	// OnDrop is called for what a subscriber does not get because it is slow, on the conn's loop, at the end of the turn, or
	// between two steps of it where there are many, and before OnClose; drops in a row come as one. What is lost because the peer has gone is counted only: OnClose tells of
	// it. May be nil.
	OnDrop func(c *Conn, d Drop)
	// OnResume is called for a conn that SlowPolicy Suspend has taken out of a topic, on its loop, when all that waited for the conn
	// has gone out: it is no subscriber of the topic then, and may be made one again. OnDrop has told, with DropSuspended, of the first
	// that it missed. Not called where the conn has subscribed again meanwhile, or has closed. nil: Suspend is DropOldest.
	OnResume func(c *Conn, t *Topic)
	// OnTrace is called on the conn's loop when the output of an open conn congests or has drained, when it is pinged, and before the
	// reactor closes it by itself: nothing of it comes per message or delivery. It must neither send nor close. May be nil.
	OnTrace func(c *Conn, t Trace)
	// OnRefusal is called on the conn's loop for a request that is answered with an HTTP error instead of an upgrade. RemoteAddr is all
	// that may be asked of the conn. May be nil.
	OnRefusal func(c *Conn, h *HandshakeError)
	// Forms are the ways in which a publication can be put on the wire; a conn subscribes in one of them, named by its
	// index. nil: one form. At most maxForms.
	Forms []FormOptions

	// TLS has the server speak TLS on its port, and wss. nil: plain text.
	TLS *TLSOptions

	// Deflate compresses messages for peers that offer permessage-deflate (RFC 7692). nil: their offers are ignored.
	Deflate *DeflateOptions

	// Loops is the number of event loops. Default: GOMAXPROCS. A loop that waits keeps its P for up to 10 ms, so that HTTP
	// requests, and whatever else uses goroutines and the network, wait less where GOMAXPROCS is higher than Loops.
	Loops int
	// MaxConns bounds the connections of the server, handed-over HTTP ones included. Default, and most: the limit of open
	// files less a reserve of min(512, limit/4). What comes above it is refused with 503.
	MaxConns int
	// MaxMessageBytes bounds a message, its fragments added up. Above it: close 1009. Default 64 KiB.
	MaxMessageBytes int64
	// MaxFragments bounds the frames of one message; above it: close 1008. Default 1,024; negative: no bound, which lets
	// a peer buy much parsing with few bytes.
	MaxFragments int
	// MaxFrameRate is how many frames a second a peer may send, fragments and control frames included; MaxControlRate how many
	// control frames. Two seconds' worth may come at once. Above it: close 1008. From 10 to 30,000. Default 1,000 and 100;
	// negative: no bound.
	MaxFrameRate, MaxControlRate int
	// OutboundMaxBytes bounds what waits for a conn that does not read, in bytes on the wire. One message may exceed it
	// when nothing else waits. Above it the topic's SlowPolicy decides; what no topic sent ends the conn. Default 1 MiB.
	OutboundMaxBytes int64
	// OutboundMaxAge bounds how long anything may wait for a conn that does not read. Above it the conn is closed as slow.
	// Default 10 s.
	OutboundMaxAge time.Duration
	// NodeMaxBytes bounds the memory, in bytes, of all output that is on its way in this server: what many conns share is
	// counted once. From half of it on, conns for which something has waited a second may hold less and less, so that the
	// largest offenders go first; above it Publish returns ErrBacklog, so that publishers know before anything is lost. Default
	// 256 MiB.
	NodeMaxBytes int64
	// TurnMaxSends bounds the deliveries of one loop turn, so that a large topic does not keep reads, pings and small
	// topics waiting. Default 128, about a millisecond of sending.
	TurnMaxSends int
	// Head bounds the head of a request. Zero: frame's defaults.
	Head frame.HeadLimits

	// HandshakeTimeout is the total time from accept to a complete request head. Default 5 s.
	HandshakeTimeout time.Duration
	// PingInterval is the silence after which a peer is pinged. Default 25 s; negative: never.
	PingInterval time.Duration
	// PongTimeout is how long a pinged peer may stay silent. Any byte counts as life. Default 10 s.
	PongTimeout time.Duration
	// MessageTimeout bounds the time from the first byte of a message, or frame, to its last. Default 30 s; negative: none.
	MessageTimeout time.Duration
	// CloseTimeout bounds a close handshake, the delivery of what was queued before it included. Default 5 s.
	CloseTimeout time.Duration
	// LingerTimeout is how long the peer's end of file is waited for, once all is said, so that unread input does not make
	// the kernel reset the connection and lose the last bytes. Default 1 s.
	LingerTimeout time.Duration
	// DrainSpread is over how long Shutdown spreads the close frames, evenly, so that the peers do not come back elsewhere all at
	// once. With few conns it takes less: at least 1,000 a second are closed. Until its turn a conn is served as ever. Default 0:
	// all at once.
	DrainSpread time.Duration
	// ShutdownTimeout is what Server.Serve and Run give the shutdown that follows when their context is done. Default 10 s, and DrainSpread.
	ShutdownTimeout time.Duration

	// Logger gets what an operator must know: handler panics, and trouble with the engine. Default slog.Default().
	Logger *slog.Logger

	now func() time.Time // a test's clock
}

// maxForms is the most forms a server can have. Each comes in as many variants as there are compression classes, and one for conns that were dialed.
const maxForms = maxVariants / int(numClasses)

// FormOptions describe one form. See Config.Forms.
type FormOptions struct {
	// Name is for people and metrics.
	Name string
	// NoCoalesce sends each publication in a write of its own.
	NoCoalesce bool
	// Gap is the least time between two publications to the same subscribers; it implies NoCoalesce.
	Gap time.Duration
}

// Accept says how a handshake is answered.
type Accept struct {
	// Subprotocol is the one chosen of those offered; "" for none.
	Subprotocol string
	// Header is sent with the 101: a cookie, say. What the handshake itself says cannot be in it, nor a line end in a value: then the
	// handshake is refused with 500, and Config.Logger told. It is read before OnOpen, and not kept.
	Header http.Header
	// NoDeflate keeps this conn from being compressed: it is to get secrets beside text that others choose.
	NoDeflate bool
	// Context becomes the conn's, before OnOpen.
	Context any
}

// withDefaults fills the fields left zero, and reports all that is wrong with the others together.
func (cfg Config) withDefaults() (Config, error) {
	problems := new(ConfigError)
	wrong := problems.wrong

	cfg.completeServing(wrong)
	cfg.completeLimits(wrong)
	cfg.completeShutdown(wrong)
	cfg.completeWorkers(wrong)
	if cfg.TLS != nil && cfg.TLS.Permits == 0 {
		o := *cfg.TLS
		o.Permits = max(1, runtime.GOMAXPROCS(0)-cfg.Loops)
		cfg.TLS = &o
	}
	if cfg.Deflate != nil {
		o := cfg.Deflate.withDefaults(wrong)
		cfg.Deflate = &o
	}
	cfg.MaxFragments = max(cfg.MaxFragments, 0) // frame: 0 is no bound
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.now == nil {
		cfg.now = time.Now
	}
	return cfg, problems.orNil()
}

// completeServing is withDefaults for where the server listens, whom it serves, and in how many loops.
func (cfg *Config) completeServing(wrong complaint) {
	if cfg.Listener != nil && cfg.Addr != "" {
		wrong("Listener", "needs an empty Addr")
	}
	if _, ok := cfg.Listener.(*net.TCPListener); cfg.Listener != nil && !ok {
		wrong("Listener", "a %T, want a *net.TCPListener: the loops take the sockets themselves", cfg.Listener)
	}
	if cfg.Listener == nil && cfg.Addr == "" {
		if cfg.HTTP != nil {
			wrong("HTTP", "never asked without Addr")
		}
	} else if err := CheckAddr(cfg.Addr); cfg.Listener == nil && err != nil {
		wrong("Addr", "%q: %w", cfg.Addr, err)
	}
	if cfg.RouteUpgrades && cfg.HTTP == nil {
		wrong("RouteUpgrades", "needs HTTP")
	}
	setDefault(&cfg.SocketMode, 0o660)
	if cfg.SocketMode&^fs.ModePerm != 0 {
		wrong("SocketMode", "%#o, want permissions alone", uint32(cfg.SocketMode))
	}
	cfg.ProxyProtocol.check("ProxyProtocol", wrong)
	cfg.TrustedProxies.check("TrustedProxies", wrong)
	if cfg.Handler == nil && cfg.Blocking == nil {
		wrong("Handler", "required")
	}
	setDefault(&cfg.Loops, runtime.GOMAXPROCS(0))
	if cfg.Loops < 1 || cfg.Loops > maxLoops {
		wrong("Loops", "%d, want 1 to %d", cfg.Loops, maxLoops)
	}
	most := maxConnsAllowed()
	setDefault(&cfg.MaxConns, most)
	if cfg.MaxConns < 1 || cfg.MaxConns > most {
		wrong("MaxConns", "%d, want 1 to %d, which is what the limit of open files leaves", cfg.MaxConns, most)
	}
	if len(cfg.Forms) > maxForms {
		wrong("Forms", "%d, want at most %d", len(cfg.Forms), maxForms)
	}
	if len(cfg.Forms) == 0 {
		cfg.Forms = []FormOptions{{Name: "default"}}
	}
}

// completeLimits is withDefaults for sizes, rates and times.
func (cfg *Config) completeLimits(wrong complaint) {
	setDefault(&cfg.MaxMessageBytes, 64<<10)
	setDefault(&cfg.MaxFragments, 1024)
	cfg.MaxFrameRate = rateOrNone("MaxFrameRate", cfg.MaxFrameRate, 1000, wrong)
	cfg.MaxControlRate = rateOrNone("MaxControlRate", cfg.MaxControlRate, 100, wrong)
	setDefault(&cfg.OutboundMaxBytes, DefaultOutboundMaxBytes)
	setDefault(&cfg.OutboundMaxAge, 10*time.Second)
	setDefault(&cfg.NodeMaxBytes, 256<<20)
	setDefault(&cfg.TurnMaxSends, 128)
	setDefault(&cfg.HandshakeTimeout, 5*time.Second)
	setDefault(&cfg.PingInterval, 25*time.Second)
	setDefault(&cfg.PongTimeout, 10*time.Second)
	setDefault(&cfg.MessageTimeout, 30*time.Second)
	setDefault(&cfg.CloseTimeout, 5*time.Second)
	setDefault(&cfg.LingerTimeout, time.Second)
	for _, f := range []struct {
		name  string
		value int64
	}{
		{"MaxMessageBytes", cfg.MaxMessageBytes}, {"OutboundMaxBytes", cfg.OutboundMaxBytes},
		{"OutboundMaxAge", int64(cfg.OutboundMaxAge)}, {"NodeMaxBytes", cfg.NodeMaxBytes},
		{"TurnMaxSends", int64(cfg.TurnMaxSends)}, {"HandshakeTimeout", int64(cfg.HandshakeTimeout)},
		{"PongTimeout", int64(cfg.PongTimeout)}, {"CloseTimeout", int64(cfg.CloseTimeout)},
		{"LingerTimeout", int64(cfg.LingerTimeout)}, {"DrainSpread", int64(cfg.DrainSpread)},
	} {
		if f.value < 0 {
			wrong(f.name, "must not be negative")
		}
	}
}

// completeShutdown is withDefaults for what ends the server.
func (cfg *Config) completeShutdown(wrong complaint) {
	setDefault(&cfg.ShutdownTimeout, cfg.DrainSpread+shutdownPatience)
	if cfg.ShutdownTimeout < cfg.DrainSpread {
		wrong("ShutdownTimeout", "%v, want at least DrainSpread, %v", cfg.ShutdownTimeout, cfg.DrainSpread)
	}
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
