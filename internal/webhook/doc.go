// Package webhook asks and tells a backend, by HTTP, about what clients do: whether one may connect, subscribe or publish, and
// that one has gone.
//
// What is asked has a client waiting for it, so that it is asked once, within a short time, and answered at once with a failure
// where the backend is down or too much waits already. What is told is told in batches, again and again, and given up, and
// counted, only when it has been in vain for long.
//
// The backend's address is the operator's, but what its name resolves to may not be: see guard. The package never blocks its
// caller, follows a redirect, uses a proxy, or reads more of an answer than maxAnswerBytes.
//
// Ownership: a Client is safe from any goroutine. It has goroutines only while something is under way: at most
// Config.Concurrency for what is asked, and one for what is told. A Question's callback runs on one of them, or on the caller's.
package webhook
