// Package tlsloop is TLS for servers that are driven by event loops: a connection at rest has no goroutine and no buffer.
//
// An [Engine] holds what is configured, a [Loop] the scratch memory of one event loop, a [Session] is one connection:
//
//	handshake    crypto/tls in a goroutine that lives from the whole ClientHello to Finished. The loop feeds it by Input and
//	             takes its answers by Advance. How many there are is bounded, and apart from that how many of them compute.
//	established  the loop alone. By default tls.Conn, reading from and writing to memory, relieved of the buffers that
//	             it would keep; with Config.Compact, and TLS 1.3, the record layer of package record.
//
// It never reads or writes a socket, never blocks a loop, keeps no time (deadlines are the caller's, and the second is told
// by [Loop.SetNow]), and logs nothing. It takes no early data, and refuses renegotiation. It does not
// judge names or certificates: that is the tls.Config's part.
//
// # Ownership
//
// A Loop and its Sessions are confined to one goroutine. The goroutine of a handshake knows nothing of its Session: they
// meet in one struct, under its lock. Callbacks of the tls.Config run on that goroutine, with a permit to compute: one that
// waits for the network holds up other handshakes. wake runs there as well.
//
// Input takes its bytes over for the call: they are decrypted in place. Plaintext is a view, valid during deliver. What a
// session wants to send is appended to the caller's slice; the caller sends all of it, in the order in which it was appended.
package tlsloop
