package main

import (
	"flag"

	"github.com/wsedge/wsedge/internal/channel"
	"github.com/wsedge/wsedge/internal/edge"
)

// addLimits declares the flags for what one address, user, client and channel may take.
func addLimits(flags *flag.FlagSet, l *edge.Limits, channelsPerConn *int, everywhere *channel.Options) {
	flags.IntVar(&l.ConnsPerAddress, "conns-per-address", 0,
		"most WebSockets of one address, IPv6 by /64; above it 429; as many other sockets, at least 64; mind proxies that are not in --trusted-proxies or --proxy-protocol (default: no bound)")
	flags.IntVar(&l.AcceptRate, "accept-rate", 0, "most handshakes a second of one address; above it 429 (default: no bound)")
	flags.IntVar(&l.NodeAcceptRate, "node-accept-rate", 0, "most handshakes a second of all addresses together; above it 503 (default: no bound)")
	flags.IntVar(&l.ConnsPerUser, "conns-per-user", 0, "most WebSockets of one user (default: no bound)")
	flags.IntVar(&l.MessageRate, "message-rate", 0, "most commands a second of a client; above it the error rate (default: no bound)")
	flags.IntVar(&l.UserMessageRate, "user-message-rate", 0, "most commands a second of all clients of one user (default: no bound)")
	flags.IntVar(&l.APIRequests, "api-requests", 0, "most API requests at once; above it 503 (default: no bound)")
	flags.IntVar(channelsPerConn, "channels-per-conn", 0, "most channels of a client (default 128)")
	flags.IntVar(&everywhere.PublishRate, "publish-rate", 0, "most publications a second of a client; above it the error rate (default: no bound)")
	flags.Int64Var(&everywhere.MaxMessageBytes, "max-data", 0, "most `bytes` of a publication's data (default: only --max-message, and 1 MiB by the API)")
}

// addDrain declares the flags for how a server shuts down.
func addDrain(flags *flag.FlagSet, d *edge.Drain) {
	flags.DurationVar(&d.Delay, "drain-delay", 0, "how long /readyz says no, on SIGTERM, before clients are refused and told to go")
	flags.DurationVar(&d.Spread, "drain-spread", 0,
		"over how long clients are told to go, evenly; less where there are fewer than 1,000 for each second; negative: all at once (default 5s)")
}
