package frame

// Role is the side that decodes: it says which frames must be masked (RFC 6455, section 5.1).
type Role uint8

const (
	Server Role = iota // reads masked frames, refuses unmasked ones
	Client             // reads unmasked frames, refuses masked ones
)

// String names the role in lower case.
func (r Role) String() string {
	if r == Server {
		return "server"
	}
	return "client"
}

// maskError is what a frame with the wrong mask bit is to this role.
func (r Role) maskError() *Error {
	if r == Server {
		return ErrUnmasked
	}
	return ErrMasked
}
