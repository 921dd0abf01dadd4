package edge

import (
	"fmt"
	"strings"
	"testing"

	"github.com/wsedge/wsedge/internal/dialect/native"
)

// hearUpToGap takes messages of chat:1, one offset after the other, up to a gap; it returns the offset before it.
func (c *client) hearUpToGap() (position int) {
	c.t.Helper()
	for {
		text := c.hear()
		if strings.HasPrefix(text, fmt.Sprintf(`{"type":"gap","channel":"chat:1","after":%d,"before":`, position)) && strings.HasSuffix(text, `,"refill":true}`) {
			return position
		}
		if position++; !strings.HasSuffix(text, fmt.Sprintf(`,"offset":%d}`, position)) {
			c.t.Fatalf("after %d came %.60s…%s", position-1, text, text[max(0, len(text)-40):])
		}
	}
}

// A wildcard would bring what is new in front of what is refilled, and then that again: whoever has one that covers the channel, and does not keep
// up, is closed instead. Nothing comes behind the gap, and the history has what was missed.
func TestSkipToHistoryUnderAWildcard(t *testing.T) {
	s := startServer(t, Config{OutboundMaxBytes: 50_000, OutboundMaxAge: patience, Namespaces: skipping(100_000)})
	c := greet(t, s)
	c.say(`{"type":"subscribe","id":1,"channel":"chat:1"}`)
	answer := c.hear()
	_, epoch, _ := strings.Cut(answer, `"epoch":"`)
	epoch, _, _ = strings.Cut(epoch, `"`)
	c.say(`{"type":"subscribe","channel":"chat:*"}`)
	c.want(`{"type":"subscribed","channel":"chat:*"}`)
	last, _, _ := flood(t, s, "chat:1", func() bool { return s.reactor.Stats().Drops["suspended"] > 0 })
	for range 3 {
		post(t, s, "/api/publish", `{"channel":"chat:1","data":"later"}`)
		last++
	}
	position := c.hearUpToGap()
	c.want(`{"type":"disconnect","code":3008,"reason":"slow","retry_after_ms":*}`)
	c.wantClose(native.CloseSlow)

	c = greet(t, s)
	for position < last { // a few at a time: the connection does not hold all of it
		c.say(fmt.Sprintf(`{"type":"history","channel":"chat:1","since":{"epoch":"%s","offset":%d},"limit":3}`, epoch, position))
		text := c.hear()
		if !strings.Contains(text, `"recovered":true`) || !strings.Contains(text, fmt.Sprintf(`,"offset":%d}`, position+1)) {
			t.Fatalf("behind %d: %.100s", position, text)
		}
		position += strings.Count(text, `{"data":`)
	}
}

// A wildcard that does not cover the channel changes nothing; one that would cover it must wait until the client has caught up.
func TestSkipToHistoryBesideAWildcard(t *testing.T) {
	s := startServer(t, Config{OutboundMaxBytes: 50_000, OutboundMaxAge: patience, Namespaces: skipping(100_000)})
	c := greet(t, s)
	c.subscribe("chat:1")
	c.say(`{"type":"subscribe","channel":"alerts:*"}`)
	c.want(`{"type":"subscribed","channel":"alerts:*"}`)
	last, _, _ := flood(t, s, "chat:1", func() bool { return s.reactor.Stats().Drops["suspended"] > 0 })
	c.say(`{"type":"subscribe","id":"early","channel":"chat:*"}`)
	position := c.hearUpToGap()
	refused := false
	for position < last {
		text := c.hear()
		switch {
		case strings.HasPrefix(text, `{"type":"error","id":"early",`) && strings.Contains(text, `"code":"unavailable"`):
			refused = true
		case strings.HasPrefix(text, `{"type":"gap",`) && strings.HasSuffix(text, `,"refill":true}`):
		case strings.HasSuffix(text, fmt.Sprintf(`,"offset":%d}`, position+1)):
			position++
		default:
			t.Fatalf("after %d came %.60s…", position, text)
		}
	}
	if !refused {
		t.Error("the wildcard was not refused")
	}
	c.say(`{"type":"subscribe","channel":"chat:*"}`)
	c.want(`{"type":"subscribed","channel":"chat:*"}`)
	post(t, s, "/api/publish", `{"channel":"chat:1","data":"once"}`)
	c.want(fmt.Sprintf(`{"type":"message","channel":"chat:1","data":"once","offset":%d}`, last+1))
	c.idle()
}
