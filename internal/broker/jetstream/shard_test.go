package jetstream

import (
	"fmt"
	"testing"
)

func TestShards(t *testing.T) {
	for channel, want := range map[string]string{"news": "~", "chat#1": "~", "chat:1": shardOf("chat:"), "chat:room:*": shardOf("chat:2"), "chat:": "b", ":": "5"} {
		if got := shardOf(channel); got != want {
			t.Errorf("%q is in %q, want %q", channel, got, want)
		}
	}
	seen := map[string]int{}
	for i := range 1000 {
		seen[shardOf(fmt.Sprint("n", i, ":x"))]++
	}
	if len(seen) != shards {
		t.Errorf("%v", seen)
	}
}
