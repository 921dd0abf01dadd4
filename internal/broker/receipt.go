package broker

// Delivered is what a Sink says of a publication when it is on its way.
type Delivered struct {
	// Matched is how many conns were subscribed.
	Matched int
	// Receipt is for a publication that asks for one; else nil.
	Receipt Receipt
}

// Receipt says what becomes of a publication with its subscribers, on every node that it was delivered on: an engine of several nodes makes one that
// sums up what the nodes that answer say of theirs. Safe from any goroutine.
type Receipt interface {
	// Done is closed once nothing is on its way any more. Nobody has to wait for it.
	Done() <-chan struct{}
	// Counts is for how many conns it was, how many it was queued for, and how many do not get it. After Done matched is the other
	// two together; before, they are what is known so far.
	Counts() (matched, queued, dropped int)
}

// Settled is a Receipt that is done.
type Settled struct{ Matched, Queued, Dropped int }

// settled is closed.
var settled = func() chan struct{} {
	done := make(chan struct{})
	close(done)
	return done
}()

// Done implements Receipt.
func (Settled) Done() <-chan struct{} { return settled }

// Counts implements Receipt.
func (s Settled) Counts() (matched, queued, dropped int) { return s.Matched, s.Queued, s.Dropped }

// Witnessed is optional in an engine with other nodes: it lets a node say what becomes here of publications that ask for a receipt elsewhere.
type Witnessed interface {
	// Witness has take called with each of them as it is delivered, those of this node included: their delivery may come too late for the result. take must not wait, or call the engine.
	Witness(take func(channel string, at Position, r Receipt))
	// Awaits tells whether a publication is still to be delivered here, as far as is known. Where it is not, it was, and take has been called, or will not be.
	Awaits(channel string, at Position) bool
}
