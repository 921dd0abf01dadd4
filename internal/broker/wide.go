package broker

// Wide is an engine that sends a node only the channels that it has. Who wants all channels of a kind, whether they are open here or not, has to say so. Other
// engines deliver every publication on this node by themselves.
type Wide interface {
	Broker
	// OpenWide begins to bring the publications of all channels whose names begin with prefix, which ends with a colon. A prefix is open at most once at a
	// time. r is what these channels keep. It waits for nobody, and calls nothing of sink before it returns.
	OpenWide(prefix string, r Retention, sink WideSink) Interest
}

// WideSink is what an Interest brings publications to. Safe from any goroutine; nothing in it waits.
type WideSink interface {
	// Log opens a channel, if it is not open, and returns its log: the engine delivers to its sink from then on, in its order, and finds what is missing. nil
	// where there is no room, or where nobody here cares for the channel.
	Log(channel string) Log
	// Deliver hands over a publication of a channel without a log. Nobody finds out what is missing before it. It borrows nothing. An error means that nobody
	// got it, and nobody will.
	Deliver(channel string, p *Publication, offset, prev uint64) (Delivered, error)
}

// Interest is one in all channels of a kind. Safe from any goroutine.
type Interest interface {
	// Ready calls done once, from any goroutine, perhaps before it returns: with nil when everything that is published from then on arrives, or with why
	// that is not known.
	Ready(done func(error))
	// Close ends it. Logs that somebody has asked for their position go on.
	Close()
}
