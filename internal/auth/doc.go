// Package auth says who a client or a backend is, and what it may do: it verifies JSON Web Tokens (RFC 7519) and API keys, and
// remembers what was revoked.
//
// It never trusts what it has not verified: a token's header chooses among the configured keys and nothing else, the algorithm
// belongs to the key, and claims are read behind the signature only. It never logs a token, a key or a part of one, and never
// closes a connection: that is the business of what asks it.
//
// Ownership: an Auth is safe from any goroutine. Verifying computes and never waits; the keys of an issuer's key set (RFC 7517) are
// fetched by Run, on a goroutine of its own. An Identity is immutable.
package auth
