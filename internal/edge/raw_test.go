package edge

import (
	"slices"
	"strings"
	"testing"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/internal/channel"
	"github.com/wsedge/wsedge/reactor"
)

func TestRawChannels(t *testing.T) {
	for query, want := range map[string][]string{
		"channel=news":                          {"news"},
		"channel=a&token=x&channel=b&channel=a": {"a", "b"},
		"channel=user%2342":                     {"user#42"},
		"":                                      nil,
		"channel=":                              nil,
		"chanel=news":                           nil,
		"channel=a%zz":                          nil,
		"channel=a+b":                           nil,
		"channel=news&channel=caf%C3%A9":        nil,
		"channel=a&channel=b&channel=c":         nil,
		"channel=" + strings.Repeat("x", 256):   nil,
	} {
		got, err := rawChannels(query, 2)
		if !slices.Equal(got, want) || (err == nil) != (want != nil) {
			t.Errorf("%.60q: %q, %v; want %q", query, got, err, want)
		}
	}
}

// Who was admitted just before the namespaces were replaced is not on the list of those who are looked at again.
func TestRawIsShutOutWhileItOpens(t *testing.T) {
	s := startServer(t, Config{})
	c := greet(t, s)
	s.hub.SetNamespaces(&channel.Namespaces{})
	s.clients.all()[0].Post(func(c *reactor.Conn) {
		c.Context().(*session).closed()
		late := &rawSession{server: s, names: []string{"news"}}
		c.SetContext(late)
		late.open(c)
	})
	c.wantClose(frame.ClosePolicyViolation)
}
