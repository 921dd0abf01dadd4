package native

import (
	"github.com/wsedge/wsedge/internal/channel"
	"github.com/wsedge/wsedge/internal/jsonobject"
)

// subscriptionName decodes the JSON value of what can be subscribed to: a channel's name or a pattern.
func subscriptionName(value []byte) (string, *Error) {
	if name, ok := jsonobject.String(value); ok && channel.ValidPattern(name) {
		return name, nil
	}
	return ChannelName(value)
}

// AppendSubscribedLive appends the answer to a subscribe to a pattern: there is no position, and nothing to recover from.
func AppendSubscribedLive(dst, id []byte, pattern string, asked bool) []byte {
	dst = appendString(appendHead(dst, "subscribed", id), "channel", pattern)
	if asked {
		dst = append(dst, `,"recovered":false`...)
	}
	return append(dst, '}')
}
