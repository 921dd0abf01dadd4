package jetstream

import (
	"hash/fnv"
	"strconv"
	"strings"
)

const (
	// shards is how many streams there are for channels with a namespace. With R=3 each is a group of its own that elects a leader, and they spread over the
	// servers; more of them would keep fewer namespaces together, whose limits then are those of the one that keeps most. To change it is to lose what is kept.
	shards = 16
	// bareShard is that of channels without a namespace.
	bareShard = "~"
)

// shardOf tells which stream a channel is in. Only its name decides, what is in front of the first colon: nodes need not agree about anything, above all
// not about which namespaces are configured.
func shardOf(channel string) string {
	namespace, _, found := strings.Cut(channel, ":")
	if !found {
		return bareShard
	}
	h := fnv.New32a()
	h.Write([]byte(namespace))
	return strconv.FormatUint(uint64(h.Sum32()%shards), shards)
}
