package edge

import (
	"slices"
	"strings"
	"testing"
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
