// Package record is the record layer of TLS 1.3 (RFC 8446, section 5) for a connection whose handshake is done: a
// server's, or after [Conn.ServeClient] a client's, which reads past session tickets.
//
// [New] takes the application traffic secrets and sequence numbers of a finished handshake; from there on [Conn.Open]
// turns whole records into plaintext and [Conn.Seal] plaintext into records. It answers key updates, sends its own long
// before a key has served too often, and turns every violation into one fatal alert.
//
// It never does a handshake, never resumes a session, never reads or writes a connection, starts no goroutine and keeps
// no time. A Conn holds no buffers. It lets no plaintext out before its tag was checked, and seals nothing after a
// fatal alert or its own close_notify.
//
// # Ownership
//
// A Conn and the [Scratch] it is used with are confined to one goroutine; many Conns share a Scratch. Open takes a record
// over: it decrypts in place, and the plaintext is a view of it. Seal borrows the plaintext and appends to dst, which must
// not overlap it. Nothing is retained.
package record
