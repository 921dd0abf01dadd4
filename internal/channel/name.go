package channel

// MaxNameBytes is the longest name of a channel.
const MaxNameBytes = 255

// nameByte is true for what a name may consist of: [A-Za-z0-9:_\-.#@]. None of it needs an escape in JSON, so names are
// copied into messages as they are.
var nameByte = func() (allowed [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789:_-.#@") {
		allowed[c] = true
	}
	return allowed
}()

// ValidName tells whether name names a channel: 1 to MaxNameBytes bytes out of [A-Za-z0-9:_\-.#@].
func ValidName(name string) bool {
	if name == "" || len(name) > MaxNameBytes {
		return false
	}
	for i := range len(name) {
		if !nameByte[name[i]] {
			return false
		}
	}
	return true
}
