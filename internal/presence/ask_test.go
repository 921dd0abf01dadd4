package presence

import (
	"fmt"
	"testing"

	"github.com/wsedge/wsedge/internal/hub"
)

// listing is a page with one subscriber for each name.
func listing(more bool, names ...string) channelsAnswer {
	a := channelsAnswer{More: more}
	for _, name := range names {
		a.Channels = append(a.Channels, hub.Listed{Name: name, Subscribers: 1})
	}
	return a
}

// A page ends where a node's does that has more: channels of its page may have been closed while it was made, so that it is short.
func TestChannelsOfSeveralNodes(t *testing.T) {
	for _, c := range []struct {
		answers []channelsAnswer
		want    string
		more    bool
	}{
		{[]channelsAnswer{listing(false)}, "[]", false},
		{[]channelsAnswer{listing(false, "a", "c"), listing(false, "b", "c")}, "[{a 1} {b 1} {c 2}]", false},
		{[]channelsAnswer{listing(false, "a", "c"), listing(false, "b", "d")}, "[{a 1} {b 1} {c 1}]", true},
		{[]channelsAnswer{listing(true, "a"), listing(false, "b", "d")}, "[{a 1}]", true},
		{[]channelsAnswer{listing(false, "x", "y", "z"), listing(true, "b", "d"), listing(true, "c")}, "[{b 1} {c 1}]", true},
	} {
		if page, more := mergeChannels(c.answers, 3); fmt.Sprint(page) != c.want || more != c.more {
			t.Errorf("%v: %v, %v", c.answers, page, more)
		}
	}
}
