// Package frame turns the bytes of RFC 6455 into values and back: the opening handshake of both sides, frame headers,
// masking, whole messages out of a stream that arrives in any cut, and close frames.
//
// It does no I/O, starts no goroutine, keeps no time and logs nothing. It never believes a length that a peer claims:
// memory grows only with bytes that have arrived. Of extensions it knows permessage-deflate (RFC 7692), for both sides; where
// that has not been negotiated, every reserved bit is an error.
//
// # Ownership
//
// A [DecoderConfig] and all Decoders that are used with it are confined to one goroutine (in a server: one loop).
// [Decoder.Next] borrows its input and unmasks it in place; the [Message] it returns is a view of that input, or owns
// a [Buffer] until [Message.Release]. A [Request] is a set of views of the head it was parsed from. The Append
// functions retain nothing. All other functions are pure and safe from any goroutine.
package frame
