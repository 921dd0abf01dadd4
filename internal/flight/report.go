package flight

import "time"

// Report is what is known of a connection.
type Report struct {
	// Number is the client's.
	Number uint64
	// Opened is when the connection was opened, and Until when it ended, or when it was asked for.
	Opened, Until time.Time
	// Events are the last ones, the oldest first, and Forgotten how many there were before them.
	Events    []Event
	Forgotten int
	// End is how it ended; nil: it is open.
	End *End
}

// report is of the Flight as it is now. It borrows nothing.
func (f *Flight) report(until time.Time) Report {
	return Report{Number: f.number, Opened: time.UnixMilli(f.opened), Until: until, Events: f.events(), Forgotten: int(f.forgotten)}
}

// last is the last event of a kind; nil where there is none.
func (r *Report) last(kind Kind) *Event {
	for i := len(r.Events) - 1; i >= 0; i-- {
		if r.Events[i].Kind == kind {
			return &r.Events[i]
		}
	}
	return nil
}

// Channels are the channels of the events, by their hashes, each once.
func (r *Report) Channels() map[uint64]string {
	channels := make(map[uint64]string)
	for i := range r.Events {
		if c := r.Events[i].channel(); c != 0 {
			channels[c] = ""
		}
	}
	return channels
}
