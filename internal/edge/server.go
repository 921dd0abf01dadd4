package edge

import (
	"encoding/base32"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/internal/api"
	"github.com/wsedge/wsedge/internal/cluster"
	"github.com/wsedge/wsedge/internal/console"
	"github.com/wsedge/wsedge/internal/dialect"
	"github.com/wsedge/wsedge/internal/dialect/native"
	"github.com/wsedge/wsedge/internal/dialect/raw"
	"github.com/wsedge/wsedge/internal/eventlog"
	"github.com/wsedge/wsedge/internal/flight"
	"github.com/wsedge/wsedge/internal/hub"
	"github.com/wsedge/wsedge/internal/presence"
	"github.com/wsedge/wsedge/internal/webhook"
	"github.com/wsedge/wsedge/reactor"
)

// The forms of every topic: how a publication is encoded for a dialect.
const (
	formNative reactor.Form = iota
	formRaw
)

// encodings, gaps and promised are the encoders by form, and forms what the reactor is told of them.
var (
	encodings = []dialect.Encode{formNative: native.AppendMessage, formRaw: raw.AppendMessage}
	gaps      = []dialect.EncodeGap{formNative: native.AppendGap}
	promised  = []dialect.EncodeGap{formNative: native.AppendPromisedGap}
	notices   = []dialect.EncodeNotice{formNative: native.AppendNotice}
	forms     = []reactor.FormOptions{formNative: {Name: native.Subprotocol}, formRaw: {Name: "raw"}}
)

// Server is a running push server. All methods are safe from any goroutine.
type Server struct {
	// Immutable after Listen.
	config  Config
	node    string
	hosts   hosts
	hub     *hub.Hub
	clients *clients
	reactor *reactor.Server
	started time.Time
	gate    *gate  // nil without authentication
	admin   *admin // nil without an admin address
	api     http.Handler
	console *console.Console
	limiter *limiter
	hooks   *webhook.Client // nil without webhooks
	named   namedUsers
	tickets *tickets

	replays replays // guards itself

	events      *eventlog.Log                   // guards itself; immutable
	flights     atomic.Pointer[flight.Recorder] // nil: nothing is recorded
	traffic     traffic                         // shared: atomic
	reload      atomic.Pointer[reloadState]     // likewise
	apiRequests api.Stats                       // likewise

	// Shared: atomic.
	denied     denials
	apiRefused api.Refused

	// Shared: atomic.
	draining     atomic.Bool
	retiring     atomic.Bool            // see Retire
	overruns     atomic.Int64           // clients closed because too many of their commands waited for a backend
	drainClients atomic.Int64           // how many there were when draining began
	current      atomic.Pointer[Config] // config, with what Reconfigure has changed

	reconfiguring sync.Mutex // held by Reconfigure, which waits for files alone

	drainOnce sync.Once
	delayed   chan struct{} // closed when Drain.Delay has passed

	cluster     *cluster.Cluster   // nil: this node is alone; immutable
	exchange    *presence.Exchange // likewise
	revocations *revocations       // nil: there is nobody to share them with; immutable
	peers       peers              // guards itself
	shares      *shares            // nil: this node is alone; immutable
	overview    overview           // guards itself
	witness     *witness           // nil: there is nobody to tell what it has seen; immutable

	sweeping sync.WaitGroup
	done     chan struct{} // closed when the reactor has ended
	endErr   error         // why; set before done is closed
}

// Listen binds, starts the loops and returns. The error reports all problems of the configuration together.
func Listen(cfg Config) (*Server, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	node := newNodeID()
	s := &Server{config: cfg, node: node, hosts: newHosts(&cfg), clients: newClients(node), started: time.Now(), done: make(chan struct{}),
		limiter: newLimiter(cfg.Limits, cfg.now), delayed: make(chan struct{}), events: eventlog.New(cfg.Logger, cfg.now)}
	s.current.Store(&s.config)
	s.tickets = newTickets(cfg.Tickets, cfg.ticketKey())
	s.record(cfg.FlightRecorder)
	s.reload.Store(&reloadState{good: cfg.now()})
	s.exchange = newExchange(&cfg)
	s.hub = hub.New(hub.Config{
		Broker: cfg.Broker, NewTopic: s.newTopic, Forms: encodings, Gaps: gaps, PromisedGaps: promised, Namespaces: cfg.Namespaces, Conn: s.clients.conn,
		MaxChannels: cfg.MaxChannels, Idle: cfg.ChannelIdle, HistoryShort: s.historyShort, Now: cfg.now,
		Notices: notices, Client: s.clients.id, AfterFunc: cfg.afterFunc, Exchange: s.hubExchange(),
	})
	if cfg.Auth != nil {
		if s.gate, err = newGate(s, *cfg.Auth); err != nil {
			return nil, err
		}
	}
	if s.cluster, err = joinCluster(&cfg, node); err != nil {
		return nil, err
	}
	s.beginExchange()
	s.limiter.shared = s.cluster != nil
	s.answerOthers()
	s.revocations = newRevocations(s)
	s.revocations.begin()
	s.api = s.newAPI()
	s.console = s.newConsole()
	if s.admin, err = s.listenAdmin(); err != nil {
		s.exchange.Close()
		s.cluster.Close()
		return nil, err
	}
	if cfg.Webhooks != nil {
		s.hooks = newHooks(cfg, node)
	}
	s.reactor, err = reactor.New(s.reactorConfig(&cfg))
	if err == nil {
		err = s.events.Configure(cfg.Logs)
	}
	if err == nil {
		err = s.reactor.Start()
	}
	if err != nil {
		s.events.Close()
		closeHooks(s.hooks)
		s.admin.end()
		s.exchange.Close()
		s.cluster.Close()
		return nil, err
	}
	s.gate.run()
	if s.admin != nil {
		s.sweeping.Go(func() { s.admin.serve(cfg.Logger) })
	}
	s.sweeping.Go(func() { s.hub.SweepEvery(sweepInterval, s.done) })
	s.sweeping.Go(func() { s.tickets.run(cfg.ticketTick, cfg.now, s.done) })
	if s.shares != nil {
		s.sweeping.Go(s.shares.run)
	}
	go func() {
		s.endErr = s.reactor.Wait()
		s.exchange.Close()
		s.cluster.Close()
		closeHooks(s.hooks)
		s.admin.end()
		s.replays.close()
		s.events.Close()
		close(s.done)
	}()
	return s, nil
}

// reactorConfig is what the reactor is to do: what the configuration says, and whom it asks and tells.
func (s *Server) reactorConfig(cfg *Config) reactor.Config {
	addr, listener := cfg.listenAddr()
	return reactor.Config{
		Addr: addr, Listener: listener, Handler: handler{s}, HTTP: s.routes(), Upgrade: s.admit, CloseCode: closeCode, OnDrain: s.onDrain,
		OnDrop: s.onDrop, OnResume: s.onResume, OnTrace: s.noteTrace, OnRefusal: s.logRefusal, Forms: forms,
		SocketMode: cfg.SocketMode, ProxyProtocol: cfg.ProxyProtocol, TrustedProxies: cfg.TrustedProxies, Newcomers: s.limiter.newcomers(), Origins: cfg.Origins,
		Loops: cfg.Loops, MaxConns: cfg.MaxConns, MaxMessageBytes: cfg.MaxMessageBytes,
		Head:             frame.HeadLimits{MaxBytes: cfg.MaxHeadBytes, MaxLineBytes: cfg.MaxHeadBytes / 2},
		HandshakeTimeout: cfg.HandshakeTimeout, PingInterval: cfg.PingInterval, PongTimeout: cfg.PongTimeout,
		OutboundMaxBytes: cfg.OutboundMaxBytes, OutboundMaxAge: cfg.OutboundMaxAge, NodeMaxBytes: cfg.NodeMaxBytes,
		MaxFrameRate: cfg.MaxFrameRate, MaxControlRate: cfg.MaxControlRate,
		DrainSpread: cfg.Drain.Spread,
		TLS:         cfg.TLS, Deflate: cfg.deflateOptions(), Logger: cfg.Logger,
	}
}

// newNodeID makes an id that no other node is likely to have: 8 characters.
func newNodeID() string {
	var random [5]byte
	for i := range random {
		random[i] = byte(rand.Uint32())
	}
	return strings.ToLower(base32.StdEncoding.EncodeToString(random[:]))
}

// newTopic makes a topic for the hub, which is there before the reactor.
func (s *Server) newTopic(o reactor.TopicOptions) *reactor.Topic { return s.reactor.NewTopic(o) }

// Addr is the address the server listens on.
func (s *Server) Addr() net.Addr { return s.reactor.Addr() }

// Wait returns when the server has ended: nil after Shutdown, an error otherwise.
func (s *Server) Wait() error {
	<-s.done
	s.sweeping.Wait()
	s.gate.end()
	return s.endErr
}

func closeCode(c *reactor.Conn, cause reactor.Cause) (frame.CloseCode, string) {
	return c.Context().(conversation).closeCode(cause)
}

func (s *Server) onDrop(c *reactor.Conn, d reactor.Drop) {
	talk := c.Context().(conversation)
	s.noteDrop(talk, d)
	talk.dropped(c, d)
}

func (s *Server) onResume(c *reactor.Conn, t *reactor.Topic) {
	talk := c.Context().(conversation)
	s.noteResumed(talk, t)
	talk.resumed(c, t)
}

// handler passes what the reactor reports to the conn's conversation.
type handler struct{ server *Server }

func (h handler) OnOpen(c *reactor.Conn) {
	c.Context().(conversation).open(c)
	h.server.logOpen(c)
}

func (handler) OnMessage(c *reactor.Conn, op frame.Opcode, payload []byte) {
	c.Context().(conversation).message(c, op, payload)
}

func (h handler) OnClose(c *reactor.Conn, end reactor.End) {
	h.server.limiter.leave(end.RemoteAddr)
	farewell(c, end)
	h.server.noteEnd(c, end)
	h.server.logEnd(c, end)
	c.Context().(conversation).closed()
}
