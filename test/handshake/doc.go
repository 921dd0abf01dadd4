// Package handshake judges how wsedge answers opening handshakes, over live sockets: requests are raw bytes, and every
// byte of the answer is read by a reader that forgives nothing. Its rows carry the ids HS-1 to HS-38 and H1 to H12 of the
// project's list of what a handshake must withstand.
//
// A refusal must be one response with finite content, then the end of the stream: each refused request has a second one
// right behind it, which must never be read as HTTP. An accepted one must be a WebSocket that works.
//
// No test waits for time to pass or asserts how much did. That the server waits for more is shown by what comes later: an
// answer given too early would not be the right one. That it has read the first piece before the second is sent is told by
// its count of bytes.
//
// Ownership: a socket belongs to the goroutine of its row.
package handshake
