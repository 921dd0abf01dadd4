package limit

import "sync/atomic"

// Reason is which limit something was refused for. Its name is a metric label.
type Reason uint8

// The reasons. Handshakes that are refused are counted by the reactor, under reasons of their own.
const (
	MessageRate     Reason = iota // a client's commands
	UserMessageRate               // those of all clients of a user
	PublishRate                   // a client's publications in a namespace
	MessageBytes                  // the data of a publication
	Channels                      // of one client
	UserConns                     // of one user, after the handshake
	APIRequests                   // at once
	APIRate                       // of one API key
	AuthRate                      // of one address without a good API key
	ConnectTimeout                // without a token
	APIBody                       // compressed, too large, or not come in time
	Persistent                    // a client was closed because it went on regardless

	numReasons
)

var reasonNames = [numReasons]string{
	MessageRate: "message_rate", UserMessageRate: "user_message_rate", PublishRate: "publish_rate", MessageBytes: "message_bytes",
	Channels: "channels", UserConns: "user_connections", APIRequests: "api_requests", APIRate: "api_rate", AuthRate: "auth_rate",
	ConnectTimeout: "connect_timeout", APIBody: "api_body", Persistent: "persistent",
}

// String returns the metric label.
func (r Reason) String() string { return reasonNames[r] }

// Refusals count by reason. The zero value is ready. Safe from any goroutine.
type Refusals struct{ by [numReasons]atomic.Int64 }

// Count counts one.
func (r *Refusals) Count(reason Reason) { r.by[reason].Add(1) }

// ByReason is how many there have been of each, those included of which there has been none.
func (r *Refusals) ByReason() map[string]int64 {
	counts := make(map[string]int64, numReasons)
	for reason := range r.by {
		counts[Reason(reason).String()] = r.by[reason].Load()
	}
	return counts
}
