package main

import (
	"errors"

	"github.com/wsedge/wsedge/internal/edge"
)

// serve is the command serve.
func serve(e *environment, args []string) int {
	flags := newFlags(e, "serve",
		"serve runs the push server in development mode: whoever reaches it may subscribe and publish.",
		"wsedge serve --addr 127.0.0.1:9000 --log-format json")
	var cfg edge.Config
	flags.StringVar(&cfg.Addr, "addr", "127.0.0.1:8080", "`address` to listen on; port 0 picks a free one, which the log tells")
	flags.BoolVar(&cfg.InsecurePublic, "insecure-public", false,
		"allow an address outside the loopback interface although there is no authentication: everybody who reaches it may subscribe and publish, under any Host")
	flags.DurationVar(&cfg.PingInterval, "ping-interval", 0, "silence after which a client is pinged; negative: never (default 25s)")
	flags.DurationVar(&cfg.PongTimeout, "pong-timeout", 0, "how long a pinged client may stay silent (default 10s)")
	flags.DurationVar(&cfg.HandshakeTimeout, "handshake-timeout", 0, "time from accept to a complete request head (default 5s)")
	flags.IntVar(&cfg.MaxConns, "max-conns", 0, "most connections (default: what the limit of open files allows)")
	flags.Int64Var(&cfg.MaxMessageBytes, "max-message", 0, "most `bytes` of a client's message (default 65536)")
	flags.IntVar(&cfg.MaxFrameRate, "frame-rate", 0, "most frames a second of a client, 10 to 30000 (default: no bound)")
	flags.IntVar(&cfg.MaxControlRate, "control-rate", 0, "most pings and pongs a second of a client, 10 to 30000 (default: no bound)")
	flags.BoolVar(&cfg.Deflate, "deflate", false,
		"compress for clients that offer permessage-deflate (RFC 7692); not for messages that hold secrets beside text which others choose")
	flags.BoolVar(&cfg.DeflateTakeover, "deflate-takeover", false,
		"let compressed messages refer to earlier ones of the same connection, at up to 36 KiB of memory each")
	secure := addTLS(flags)
	format := addLogFormat(flags)
	if err := parse(e, flags, args); err != nil {
		return exitStatus(err)
	}
	logger := format.logger(e.stderr)
	cfg.Logger, cfg.Version = logger, version()
	certificates, err := secure.config(logger)
	if err = errors.Join(err, cfg.Check()); err != nil {
		return e.fail(err, exitUsage)
	}
	caught := catchSignals()
	defer caught.release()
	sec, err := secure.open(certificates)
	if err != nil {
		return e.fail(err, exitFailure)
	}
	cfg.TLS = sec.options()
	srv, err := edge.Listen(cfg)
	if err != nil {
		return e.fail(err, exitFailure)
	}
	logger.Warn("development mode: no authentication, whoever reaches this address may subscribe and publish")
	addr := srv.Addr().String()
	logger.Info("listening", "addr", addr, "url", sec.scheme("http")+"://"+addr+"/", "version", cfg.Version)
	return live(srv, caught, sec, logger)
}
