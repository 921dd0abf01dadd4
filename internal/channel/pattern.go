package channel

import "strings"

// ValidPattern tells whether a pattern stands for channels: the beginning of their names, which ends with a colon, and a star, together at most
// MaxNameBytes long, as chat:* and chat:room:*.
func ValidPattern(pattern string) bool {
	prefix, ok := strings.CutSuffix(pattern, ":*")
	return ok && ValidName(prefix) && len(pattern) <= MaxNameBytes
}

// IsPattern tells a valid pattern from a valid name.
func IsPattern(s string) bool { return strings.HasSuffix(s, "*") }

// Covers tells whether a valid pattern stands for all that a name, or another valid pattern, stands for. A personal channel is covered by none.
func Covers(pattern, name string) bool {
	_, personal := PersonalUser(name)
	return !personal && strings.HasPrefix(name, strings.TrimSuffix(pattern, "*"))
}
