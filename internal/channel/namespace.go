package channel

import "strings"

// DefaultName is what NameOf calls the namespace of channels that have none of their own.
const DefaultName = "default"

// NameOf is the name of the namespace that a channel is in: one of the configuration's, whatever the channel is called.
func (n *Namespaces) NameOf(channel string) string {
	if before, _, ok := strings.Cut(channel, ":"); ok && n.ByName[before] != nil {
		return before
	}
	return DefaultName
}
