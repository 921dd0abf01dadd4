package main

import (
	"flag"
	"os"

	"github.com/wsedge/wsedge/internal/channel"
	"github.com/wsedge/wsedge/internal/edge"
)

// declareServing declares the flags of serve.
func declareServing(e *environment) (*serving, *flag.FlagSet) {
	flags := newFlags(e, "serve",
		"serve runs the push server as its configuration file says. Without one, and without --auth-secret-file or --api-key-file, that is in development mode: whoever reaches it may subscribe and publish.",
		"wsedge serve --addr 127.0.0.1:9000 --log-format json")
	s := &serving{}
	cfg := &s.cfg
	s.addFile(flags)
	addListening(flags, &cfg.Addr, "127.0.0.1:8080", &cfg.SocketMode)
	addProxies(flags, &cfg.ProxyProtocol, &cfg.TrustedProxies)
	flags.Var(&s.origins, "origins", "`origins` of web pages that may connect beside those of the host itself, https://app.example; several: comma or again; * for any")
	flags.BoolVar(&cfg.InsecurePublic, "insecure-public", false,
		"allow an address outside the loopback interface, and any Host, although there is no authentication: everybody who reaches it, or a proxy before it, may subscribe and publish")
	flags.DurationVar(&cfg.PingInterval, "ping-interval", 0, "silence after which a client is pinged; negative: never (default 25s)")
	flags.DurationVar(&cfg.PongTimeout, "pong-timeout", 0, "how long a pinged client may stay silent (default 10s)")
	flags.DurationVar(&cfg.HandshakeTimeout, "handshake-timeout", 0, "time from accept to a complete request head (default 5s)")
	addLoops(flags, &cfg.Loops)
	addWorkers(flags, &s.workers)
	flags.IntVar(&cfg.MaxHeadBytes, "max-head", 0, "most `bytes` of a request's head, its first line half of them; a token in the URL needs room (default 8192)")
	flags.IntVar(&cfg.MaxConns, "max-conns", 0, "most connections, of all workers together (default: what the limit of open files allows)")
	flags.Int64Var(&cfg.MaxMessageBytes, "max-message", 0, "most `bytes` of a client's message (default 65536)")
	flags.IntVar(&cfg.MaxFrameRate, "frame-rate", 0, "most frames a second of a client, 10 to 30000 (default: no bound)")
	flags.IntVar(&cfg.MaxControlRate, "control-rate", 0, "most pings and pongs a second of a client, 10 to 30000 (default: no bound)")
	flags.BoolVar(&cfg.Deflate, "deflate", false,
		"compress for clients that offer permessage-deflate (RFC 7692); not for messages that hold secrets beside text which others choose")
	flags.BoolVar(&cfg.DeflateTakeover, "deflate-takeover", false,
		"let compressed messages refer to earlier ones of the same connection, at up to 36 KiB of memory each")
	cfg.Namespaces = channel.Open()
	everywhere := &cfg.Namespaces.Default
	flags.TextVar(&everywhere.Slow, "slow", channel.Disconnect,
		"what becomes of a client that does not keep up: `POLICY` is disconnect, drop-oldest, drop-newest, keep-latest or skip-to-history; clients of /ws are told of what they miss")
	flags.DurationVar(&everywhere.SlowMaxAge, "slow-max-age", 0, "drop, or disconnect for, publications that wait longer for a slow client (default: only --outbound-max-age counts)")
	flags.Int64Var(&cfg.OutboundMaxBytes, "outbound-max", 0, "most `bytes` that wait for one client (default 1048576)")
	flags.DurationVar(&cfg.OutboundMaxAge, "outbound-max-age", 0, "how long anything may wait for a client before it is closed as slow (default 10s)")
	flags.Int64Var(&cfg.NodeMaxBytes, "memory", 0, "most `bytes` of all that waits; above it publications are refused with 429 (default 268435456)")
	addHistory(flags, everywhere, &cfg.HistoryMaxBytes)
	addLimits(flags, &cfg.Limits, &cfg.ChannelsPerConn, everywhere)
	addDrain(flags, &cfg.Drain)
	addFlightRecorder(flags, &cfg.FlightRecorder)
	s.secure = addTLS(flags)
	s.access = addAuth(flags)
	s.tickets = addTickets(flags)
	s.hooks = addWebhook(flags)
	s.engine = addEngine(flags)
	s.traced = addTracing(flags)
	s.format = addLogFormat(flags)
	return s, flags
}

// serve is the command serve.
func serve(e *environment, args []string) int {
	worker, err := enlist(e)
	if err != nil {
		return e.fail(err, exitFailure)
	}
	s, status := readOrdered(e, args, worker)
	if s == nil {
		return status
	}
	logger := s.format.logger(e.stderr)
	certificates, status, err := s.check(logger)
	if err != nil {
		return e.fail(err, status)
	}
	if s.workers > 0 && worker == nil {
		return s.supervise(e, args, certificates, logger)
	}
	member := s.join(worker, certificates)
	logger = member.logger(logger)
	cfg := s.cfg
	cfg.Logger, cfg.Version = logger, version()
	cfg.NodeName, _ = os.Hostname() // without a name it is known by its id
	cfg.Loops = tuneRuntime(cfg.Loops, 1)
	defer paceCollector()()
	caught := catchSignals()
	defer caught.release()
	caught.supervisor, caught.member = newSupervisor(e, logger), member
	sec, err := s.secure.open(certificates)
	if err != nil {
		return e.fail(err, exitFailure)
	}
	engine, err := s.engine.open(cfg.Namespaces, cfg.HistoryMaxBytes, logger)
	if err != nil {
		return e.fail(err, exitFailure)
	}
	defer engine.close()
	if engine != nil {
		cfg.Broker = engine.engine
	}
	cfg.TLS, cfg.Certificates = sec.options(), sec.certificates()
	tracer, endTracing, err := s.traced.tracer(logger)
	if err != nil {
		return e.fail(err, exitFailure)
	}
	defer endTracing()
	cfg.Tracer = tracer
	if err := member.listen(&cfg); err != nil {
		return e.fail(err, exitFailure)
	}
	srv, err := edge.Listen(cfg)
	if err != nil {
		return e.fail(err, exitFailure)
	}
	if member == nil {
		s.introduce(srv.Addr(), srv.AdminAddr(), sec, logger)
	}
	if s.document != nil || s.namesFiles() {
		caught.reconfigure = (&reloader{e, args, srv, s.document, member.tells(logger)}).reload
	}
	return live(srv, caught, sec, logger)
}
