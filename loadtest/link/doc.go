// Package link is the connection between a coordinator and an agent of the load tool: encrypted, each side certain of the
// other by a token that both hold, and carrying bounded messages.
//
// From the token each side derives two Ed25519 key pairs, one for agents and one for coordinators, and shows the
// certificate of its own in a TLS 1.3 handshake. It accepts one public key alone, the other role's: who does not hold the
// token can sign with neither, and what one role has said is of no use in the other. So there is no protocol of our own to
// get wrong: replays, changes on the way and eavesdropping are TLS's (RFC 8446). No authority, name or date is involved.
// Whoever gets as far as the handshake can try tokens offline against the public key that it sees; a token is therefore
// a random one of at least 32 characters, not a password.
//
// The package knows nothing of load, and never retries.
//
// # Ownership
//
// A Conn's Receive belongs to one goroutine. Send and Close are safe from any.
package link
