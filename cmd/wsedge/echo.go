package main

import "github.com/wsedge/wsedge/internal/echo"

// runEcho is the command echo.
func runEcho(e *environment, args []string) int {
	flags := newFlags(e, "echo",
		"echo runs a WebSocket server that sends every message back, on every path, for any Origin.",
		"wsedge echo --addr 127.0.0.1:9001")
	var cfg echo.Config
	addListening(flags, &cfg.Addr, "127.0.0.1:9001", &cfg.SocketMode)
	addProxies(flags, &cfg.ProxyProtocol, &cfg.TrustedProxies)
	addLoops(flags, &cfg.Loops)
	flags.Int64Var(&cfg.MaxMessageBytes, "max-message", echo.DefaultMaxMessageBytes, "most `bytes` of a message")
	flags.Int64Var(&cfg.OutboundMaxBytes, "outbound-max", 1<<20,
		"most `bytes` that may wait for a client that does not read, before it is closed; one message may exceed it")
	flags.DurationVar(&cfg.OutboundMaxAge, "outbound-max-age", 0, "how long anything may wait for a client before it is closed as slow (default 10s)")
	deflate := flags.Bool("deflate", true, "compress for clients that offer permessage-deflate (RFC 7692)")
	flags.BoolVar(&cfg.DeflateTakeover, "deflate-takeover", false,
		"let compressed messages refer to earlier ones of the same connection, at up to 36 KiB of memory each")
	secure := addTLS(flags)
	format := addLogFormat(flags)
	if err := parse(e, flags, args); err != nil {
		return exitStatus(err)
	}
	logger := format.logger(e.stderr)
	cfg.Logger, cfg.NoDeflate = logger, !*deflate
	certificates, err := secure.config(logger)
	if err != nil {
		return e.fail(err, exitUsage)
	}
	cfg.Loops = tuneRuntime(cfg.Loops, 0)
	caught := catchSignals()
	defer caught.release()
	caught.supervisor = newSupervisor(e, logger)
	sec, err := secure.open(certificates)
	if err != nil {
		return e.fail(err, exitFailure)
	}
	cfg.TLS = sec.options()
	srv, err := echo.Listen(cfg)
	if err != nil {
		return e.fail(err, exitFailure)
	}
	logger.Info("listening", append(place(srv.Addr(), sec.scheme("ws")), "version", version())...)
	return live(srv, caught, sec, logger)
}
