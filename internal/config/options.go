package config

// sections are all of the file, in its order.
var sections = []section{
	{"listen", "Where the server listens, and whom it believes."},
	{"tls", "TLS, by certificate files or by ACME. Without it the server speaks plain text."},
	{"limits", "What one connection, and the node, may take. 0 is the default."},
	{"heartbeat", "How dead connections are found."},
	{"deflate", "Compression (permessage-deflate, RFC 7692)."},
	{"namespaces", "What channels promise, and to whom. Everything is closed until it is opened here. The API is not bound by who may."},
	{"namespaces.default", "Channels without a namespace: those without a colon in their name. With strict: false, also those of unknown namespaces."},
	{"namespaces.named", "Namespaces by name, which is the part of a channel's name before its first colon. Each has the keys of namespaces.default, and none of its values."},
	{"log", "The log, on the standard error."},
}

var (
	accessWords = []string{"nobody", "token", "authenticated", "anyone"}
	slowWords   = []string{"disconnect", "drop-oldest", "drop-newest", "keep-latest", "skip-to-history"}
)

// Options are all keys of the file, in its order.
var Options = []Option{
	{Path: "listen.addr", Flag: "addr", Default: "127.0.0.1:8080",
		Doc:    "Address to listen on: host:port, where port 0 picks a free one, or unix: and the path of a Unix socket.",
		Danger: "an address outside the loopback interface can be reached by others"},
	{Path: "listen.socket_mode", Flag: "socket-mode", Default: "0660", Doc: "Mode of a Unix socket's file, in octal: who may connect."},
	{Path: "listen.insecure_public", Flag: "insecure-public", Default: "false",
		Doc:    "Allow an address outside the loopback interface, and any Host, without authentication.",
		Danger: "everybody who reaches the server, or a proxy before it, may do what the namespaces leave to anyone, and publish by the API"},
	{Path: "listen.proxy_protocol", Flag: "proxy-protocol",
		Doc:    "Peers that must begin with a header of the PROXY protocol, version 2: networks, addresses, or unix for a Unix socket.",
		Danger: "who is named here can claim any address"},
	{Path: "listen.trusted_proxies", Flag: "trusted-proxies",
		Doc:    "Peers whose X-Forwarded-For and X-Forwarded-Proto are believed, in the same form.",
		Danger: "a proxy that neither sets nor appends to these headers lets its clients claim any address"},
	{Path: "listen.admin_addr", Flag: "admin-addr", Default: "127.0.0.1:8081",
		Doc: "Address of metrics and profiles (/metrics, /debug/pprof/), host:port or unix:PATH; off for none. Without a configuration file metrics are on the public port, and there are no profiles."},
	{Path: "listen.insecure_admin", Flag: "insecure-admin", Default: "false",
		Doc:    "Allow an admin_addr outside the loopback interface.",
		Danger: "there is no authentication on it: whoever reaches it sees metrics and the process's memory, and can slow it down with profiles"},
	{Path: "listen.loops", Flag: "loops", Max: 1 << 10, Doc: "Event loops, each of which keeps a CPU busy under load. Default: as many as CPUs."},

	{Path: "tls.cert_files", Flag: "tls-cert", File: true,
		Doc: "Certificates (PEM, intermediate ones behind), chosen by the name a client asks for; the first for all others. What is in the files is loaded again on SIGHUP, and when they change."},
	{Path: "tls.key_files", Flag: "tls-key", File: true, Secret: true, Doc: "The keys of cert_files (PEM): as many, in the same order."},
	{Path: "tls.client_ca_file", Flag: "tls-client-ca", File: true, Doc: "Let in only clients with a certificate that one of those in this file (PEM) has signed."},
	{Path: "tls.min_version", Flag: "tls-min-version", Default: "1.2", Words: []string{"1.2", "1.3"}, Doc: "Least version of TLS."},
	{Path: "tls.compact", Flag: "tls-compact", Default: "false", Doc: "Have TLS 1.3 connections at rest take about 3 KB less, by a record layer of our own.",
		Danger: "security code that is young"},
	{Path: "tls.acme_domains", Flag: "acme-domain", Doc: "Names to obtain certificates for from an ACME server, which must reach this one under them at port 443; the first for all others."},
	{Path: "tls.acme_cache", Flag: "acme-cache", File: true, Doc: "Directory that keeps what ACME obtains, keys included."},
	{Path: "tls.acme_email", Flag: "acme-email", Doc: "Address that the ACME server may write to."},
	{Path: "tls.acme_directory", Flag: "acme-directory", Doc: "URL of the ACME server's directory; its terms are agreed to. Default: Let's Encrypt."},

	{Path: "limits.max_conns", Flag: "max-conns", Doc: "Most connections. Default: what the limit of open files allows."},
	{Path: "limits.max_message_bytes", Flag: "max-message", Default: "64KiB", Doc: "Most bytes of a client's message."},
	{Path: "limits.max_frame_rate", Flag: "frame-rate", Max: 30_000, Doc: "Most frames a second of a client, 10 to 30000. Default: no bound.",
		Danger: "without a bound one client can keep a loop busy"},
	{Path: "limits.max_control_rate", Flag: "control-rate", Max: 30_000, Doc: "Most pings and pongs a second of a client, 10 to 30000. Default: no bound."},
	{Path: "limits.outbound_max_bytes", Flag: "outbound-max", Default: "1MiB", Doc: "Most bytes that wait for one client."},
	{Path: "limits.outbound_max_age", Flag: "outbound-max-age", Default: "10s", Doc: "How long anything may wait for a client before it is closed as slow."},
	{Path: "limits.node_max_bytes", Flag: "memory", Default: "256MiB", Doc: "Most bytes of all that waits on this node; above it publications are refused with 429."},
	{Path: "limits.channels_per_conn", Flag: "channels-per-conn", Default: "128", Reload: true, Doc: "Most channels of one client. A client that has more keeps them when it is lowered."},
	{Path: "limits.max_channels", Flag: "max-channels", Default: "1000000", Doc: "Most channels of the node, about 200 B each."},
	{Path: "limits.channel_idle", Flag: "channel-idle", Default: "5m", Doc: "How long a channel that nobody uses is remembered; then it begins a new epoch."},
	{Path: "limits.handshake_timeout", Flag: "handshake-timeout", Default: "5s", Doc: "Time from accept to a complete request head."},

	{Path: "heartbeat.ping_interval", Flag: "ping-interval", Default: "25s", Signed: true, Doc: "Silence after which a client is pinged; negative: never.",
		Danger: "without pings, dead connections stay until something is sent to them"},
	{Path: "heartbeat.pong_timeout", Flag: "pong-timeout", Default: "10s", Doc: "How long a pinged client may stay silent."},

	{Path: "deflate.enabled", Flag: "deflate", Default: "false", Doc: "Compress for clients that offer it.",
		Danger: "the length of a message that holds a secret beside text which somebody else chooses tells about the secret"},
	{Path: "deflate.takeover", Flag: "deflate-takeover", Default: "false", Doc: "Let compressed messages refer to earlier ones of the same connection.",
		Danger: "up to 36 KiB of memory for each connection"},

	{Path: "namespaces.strict", Default: "true", Reload: true, Doc: "Leave channels of unknown namespaces to nobody, instead of to namespaces.default."},
	{Path: "namespaces.default.subscribe", Default: "nobody", Words: accessWords, Reload: true,
		Doc: "Who may subscribe: nobody, token (whose token grants it), authenticated (every client with a user, too), or anyone."},
	{Path: "namespaces.default.publish", Default: "nobody", Words: accessWords, Reload: true, Doc: "Which clients may publish.",
		Danger: "what anyone may publish, everybody who subscribes gets"},
	{Path: "namespaces.default.presence", Default: "nobody", Words: accessWords, Reload: true, Doc: "Who may see who is subscribed.",
		Danger: "presence tells clients of each other's names"},
	{Path: "namespaces.default.history", Default: "nobody", Words: accessWords, Reload: true, Doc: "Who may read what was published before."},
	{Path: "namespaces.default.history_size", Default: "0", Max: 1 << 20, Reload: true, Doc: "How many publications each channel keeps; 0: none.",
		Danger: "memory: as many publications for each channel"},
	{Path: "namespaces.default.history_age", Default: "0s", Reload: true, Doc: "How long publications are kept; 0s: however long."},
	{Path: "namespaces.default.recover", Default: "false", Reload: true, Doc: "Let clients that come back with a position get what they missed. Needs history_size."},
	{Path: "namespaces.default.latest", Default: "false", Reload: true, Doc: "Give a new subscriber the channel's last publication at once. Needs history_size."},
	{Path: "namespaces.default.members", Default: "false", Reload: true, Doc: "Keep who is subscribed, so that presence has something to tell."},
	{Path: "namespaces.default.join_leave", Default: "false", Reload: true, Doc: "Tell the subscribers of who comes and goes. Needs members.",
		Danger: "notices are as many as clients times those that come and go"},
	{Path: "namespaces.default.slow", Flag: "slow", Default: "disconnect", Words: slowWords, Reload: true,
		Doc: "What becomes of a client that does not keep up. A channel that has subscribers keeps its policy when this is reloaded. skip-to-history needs history_size."},
	{Path: "namespaces.default.slow_max_age", Flag: "slow-max-age", Default: "0s", Reload: true,
		Doc: "Drop, or disconnect for, publications that wait longer for a slow client; 0s: only limits.outbound_max_age counts."},
	{Path: "namespaces.default.max_message_bytes", Default: "0", Reload: true, Doc: "Most bytes of a publication's data; 0: only the bounds of connection and API count."},
	{Path: "namespaces.default.publish_rate", Default: "0", Reload: true, Doc: "How many publications a second a client may send; two seconds' worth may come at once. 0: no bound."},

	{Path: "log.format", Flag: "log-format", Default: "text", Words: []string{"text", "json"}, Doc: "Format of the log."},
}
