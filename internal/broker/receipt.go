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
