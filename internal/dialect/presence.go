package dialect

// Present is one subscriber of a channel, as others may see it.
type Present struct {
	Client string // the client's id
	User   string // who it is; empty for an anonymous client
	Info   []byte // what its token says for others to see, a JSON value; nil: nothing
}

// Members is who is subscribed to a channel, or a page of it.
type Members struct {
	Channel string
	Count   int
	Listed  bool      // Clients are known: the channel keeps members, and has not too many
	Clients []Present // in the order of their ids
	More    bool      // there are others behind the last of them

	Incomplete bool // some nodes did not say in time which of them are theirs: they are neither counted nor listed
}

// Notice says that the members of a channel have changed.
type Notice struct {
	Channel string
	Who     *Present // who has come or gone; nil: the notice stands for whatever has changed, or for notices that were dropped
	Joined  bool     // come; else gone
	Count   int      // the members from now on
}

// EncodeNotice appends a notice as a complete unmasked frame in one form. It is called once per notice and form, never once per
// subscriber. nil: the form has no word for it.
type EncodeNotice func(dst []byte, n *Notice) []byte
