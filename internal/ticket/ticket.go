package ticket

import (
	"time"

	"github.com/wsedge/wsedge/internal/auth"
)

const (
	// MaxBytes is the longest ticket, as it is written. One that would be longer names fewer channels, or is not made.
	MaxBytes = 4 << 10
	// Life is how long a ticket can be used. It is short beside what revocations are remembered for, and long beside an outage: who was away
	// for longer needs a token, once.
	Life = time.Hour
	// MaxSkew is by how much the clocks of the servers that share keys may differ.
	MaxSkew = 30 * time.Second
)

// Ticket is what a server knows of a client.
type Ticket struct {
	Issued   time.Time            // when it was made, to the second
	Client   string               // the id of the connection that it was given to
	Identity *auth.Identity       // who the client is; nil without authentication
	Leaves   []*auth.Subscription // what its subscription tokens allow
	Channels []string             // channels and wildcards that the client has subscribed to itself
}

// Error is why a ticket was refused. It quotes nothing of the ticket.
type Error struct {
	Reason string // one of the Reason constants: a stable word, for labels
}

func (e *Error) Error() string { return "ticket: refused: " + e.Reason }

// The reasons.
const (
	ReasonMalformed  = "malformed"   // too long, no base64url, too short, another version, or a content that this version does not know
	ReasonUnknownKey = "unknown_key" // made with a key that is not here, or not any more
	ReasonForged     = "forged"      // changed, or made for another deployment
	ReasonTooOld     = "too_old"     // beyond Life, or from the future
)

// Reasons are all of them.
var Reasons = []string{ReasonMalformed, ReasonUnknownKey, ReasonForged, ReasonTooOld}
