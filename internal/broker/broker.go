package broker

import "errors"

// ErrPending is no failure: it says that the answer comes later, by the callback.
var ErrPending = errors.New("broker: the answer comes later")

// Kind says what a publication's bytes are.
type Kind uint8

// The kinds of data.
const (
	JSON   Kind = iota // one JSON value, UTF-8
	Text               // text, UTF-8
	Binary             // any bytes
)

// Publication is what a publisher hands in for one channel.
type Publication struct {
	Data    []byte // passed through byte for byte
	Client  string // the id of the client that published it; empty for the API
	User    string // who that is; empty where nobody knows
	Exclude string // the id of a client that shall not get it; empty for none
	// IdempotencyKey makes it safe to publish again, where nobody knows whether it worked: see Log.Publish. Empty for none; see
	// ScopedKey.
	IdempotencyKey string
	Kind           Kind
	Receipt        bool // asks for Result.Receipt
}

// Position is a place in a channel's log.
type Position struct {
	// Epoch names the log: offsets of different epochs can't be compared. It changes when the log was lost or dropped.
	Epoch string
	// Offset of the last publication; 0 where there was none in this epoch.
	Offset uint64
}

// Result is what became of a publication.
type Result struct {
	Position
	// Matched is how many conns of this node the publication was queued to, as far as that was known in time. An engine with other nodes does not remember it
	// with an idempotency key.
	Matched int
	// Receipt says what becomes of it with them. nil: nobody has asked, or it was not published, because its idempotency key is known.
	Receipt Receipt
	// Repeated tells that it was not published, because its idempotency key is known.
	Repeated bool
}

// Sink takes a channel's publications on this node, in the order of their offsets, one at a time.
type Sink interface {
	// Deliver hands p to the channel's subscribers. prev is the offset of the publication before it. It borrows nothing:
	// p may be kept. An error means that nobody on this node got it: an engine takes the offset back then, and the publication has failed; or, if
	// other nodes have it, it delivers it again later, before all that come behind it.
	Deliver(p *Publication, offset, prev uint64) (Delivered, error)
	// Gap tells that publications are missing between two offsets, both exclusive, which will not come. It comes in its place among the deliveries. An error means that
	// nobody was told: the engine tries again, before it delivers anything else. Engines that lose nothing never call it.
	Gap(after, before uint64) error
}

// Log is one channel's log. Safe from any goroutine.
type Log interface {
	// Publish appends p and delivers it. The result comes back at once with done never called; or the error is ErrPending,
	// and done is called exactly once, from any goroutine. It takes ownership of p. A publication whose idempotency key the
	// channel has seen within the last KeyLife, and among its last MaxKeys, is not published: it gets the first one's result.
	// One that failed can be tried again with its key.
	Publish(p *Publication, done func(Result, error)) (Result, error)
	// Position asks for the present position. done is called exactly once, from any goroutine, perhaps before Position
	// returns. What was delivered before the call is counted in it; what is not counted in it will be delivered, if it was not meanwhile. Before
	// somebody has asked for the position, or for anything that comes with it, an engine with other nodes need not deliver anything.
	Position(done func(Position, error))
	// Recover reads the position and what a subscriber is to get who joins there, in one instant, and answers as Position does.
	Recover(q RecoverQuery, done func(Past, error))
	// History reads the position and a part of the history, in one instant, and answers as Position does.
	History(q HistoryQuery, done func(Past, error))
	// Acknowledge moves the user's cursor up to offset, and makes one where there is none, if there is room; a lower offset changes
	// nothing, and for the user "" nothing is kept. nil: it was taken, and done is never called; or the error is ErrPending, and done is
	// called exactly once, from any goroutine. ErrAhead: nothing was published there.
	Acknowledge(user string, offset uint64, done func(error)) error
	// Hold begins a subscription of a user, at a place that the answer to a RecoverQuery gave: see Start. It returns the cursor, held, and
	// where it is; nil where there is none, and no room for another. It waits for nobody.
	Hold(user string, start Start) (Hold, uint64)
	// SetRetention changes what is kept. What is kept by now and would not be goes.
	SetRetention(r Retention)
	// Trim lets go what has become too old, and tells whether closing the log now would lose anything that it is to keep.
	Trim() (keeps bool)
	// Close ends the interest in the channel: the sink gets nothing afterwards.
	Close()
}

// Broker opens logs. Safe from any goroutine.
type Broker interface {
	// Open begins to deliver the channel's publications to sink, and to keep what r says. A channel is open at most once at a
	// time.
	Open(channel string, r Retention, sink Sink) Log
}
