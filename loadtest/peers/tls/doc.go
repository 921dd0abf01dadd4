// Command tls measures what TLS costs in the loops of package reactor, beside plain text and beside crypto/tls with a goroutine
// for each connection. loadtest/compare-tls.sh runs it.
//
//	tls serve  --mode plain|std|compact|tls12|goroutine --addr HOST:PORT --admin HOST:PORT
//	tls idle   memory of connections that are subscribed and say nothing
//	tls stall  memory of handshakes that a client does not finish, and when it is back
//	tls churn  server CPU of connect, handshake, upgrade, one echo, close
//	tls fanout server CPU of a delivery
//	tls echo   server CPU of a round trip; latency of a few established connections on a fixed schedule
//	tls flood  ClientHellos at a fixed rate, of which none is gone on with
//
// The client reads the server's figures from its admin address: CPU and RSS from the kernel, the heap after a forced collection.
// It prints one line of `key=value` pairs. It never checks the server's certificate, and makes no judgement: the script does.
//
// # Ownership
//
// Server and client are processes of their own. In the server a conn is its loop's, in mode goroutine its goroutine's. In the client
// each connection is one goroutine's; counters that they share are atomic.
package main
