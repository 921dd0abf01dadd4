// Package certs keeps the certificates of a server that speaks TLS: from files that change while it runs, or from an ACME
// server (RFC 8555), and the authorities that clients' certificates must come from.
//
// A handshake reads what is in memory, and nothing else: it waits for no disk, no network and no lock that is held across
// either. So a certificate that could not be loaded, or is not there yet, fails a handshake at once; it never delays one. The
// package listens on no port: ACME servers are answered by the server's own handshakes (tls-alpn-01, RFC 8737), and who
// serves them must close a connection that has negotiated acme-tls/1.
//
// # Ownership
//
// A [Certs] is safe from any goroutine. What it serves is immutable: a reload makes a new set and swaps the pointer, so that
// connections keep what they began with. [Certs.Run] lends its goroutine to all that happens in the background, and what it
// has started ends with it, but for a request that an ACME server keeps waiting: that ends within seconds.
package certs
