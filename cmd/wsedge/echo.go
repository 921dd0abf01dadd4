package main

import (
	"fmt"

	"github.com/wsedge/wsedge/internal/echo"
)

// runEcho is the command echo.
func runEcho(e *environment, args []string) int {
	flags := newFlags(e, "echo",
		"echo runs a WebSocket server that sends every message back, on every path, for any Origin.",
		"wsedge echo --addr 127.0.0.1:9001")
	var cfg echo.Config
	addListening(flags, &cfg.Addr, "127.0.0.1:9001", &cfg.SocketMode)
	addProxies(flags, &cfg.ProxyProtocol, &cfg.TrustedProxies)
	flags.Int64Var(&cfg.MaxMessageBytes, "max-message", echo.DefaultMaxMessageBytes, "most `bytes` of a message")
	flags.Int64Var(&cfg.OutboundMaxBytes, "outbound-max", 1<<20,
		"most `bytes` that may wait for a client that does not read, before it is closed; one message may exceed it")
	deflate := flags.Bool("deflate", true, "compress for clients that offer permessage-deflate (RFC 7692)")
	flags.BoolVar(&cfg.DeflateTakeover, "deflate-takeover", false,
		"let compressed messages refer to earlier ones of the same connection, at up to 36 KiB of memory each")
	format := addLogFormat(flags)
	if err := parse(e, flags, args); err != nil {
		return exitStatus(err)
	}
	logger := format.logger(e.stderr)
	cfg.Logger, cfg.NoDeflate = logger, !*deflate
	srv, err := echo.Listen(cfg)
	if err != nil {
		fmt.Fprintf(e.stderr, "wsedge: %v\n", err)
		return exitFailure
	}
	logger.Info("listening", "addr", describeAddr(srv.Addr()), "version", version())
	return live(srv, logger)
}
