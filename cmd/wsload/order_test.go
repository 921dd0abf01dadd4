package main

import (
	"flag"
	"slices"
	"testing"
)

func TestFlagsFirst(t *testing.T) {
	set := flag.NewFlagSet("test", flag.ContinueOnError)
	set.Int("conns", 0, "")
	set.Bool("quiet", false, "")
	cases := []struct{ args, want []string }{
		{nil, []string{"--"}},
		{[]string{"URL"}, []string{"--", "URL"}},
		{[]string{"--conns", "5", "URL"}, []string{"--conns", "5", "--", "URL"}},
		{[]string{"URL", "--conns", "5"}, []string{"--conns", "5", "--", "URL"}},
		{[]string{"URL", "-conns=5", "--quiet"}, []string{"-conns=5", "--quiet", "--", "URL"}},
		{[]string{"--quiet", "URL", "--conns", "-1"}, []string{"--quiet", "--conns", "-1", "--", "URL"}},
		{[]string{"--unknown", "URL"}, []string{"--unknown", "--", "URL"}},
		{[]string{"--quiet", "--", "--conns", "-"}, []string{"--quiet", "--", "--conns", "-"}},
		{[]string{"-", "--quiet"}, []string{"--quiet", "--", "-"}},
	}
	for _, c := range cases {
		if got, needy := flagsFirst(set, c.args); !slices.Equal(got, c.want) || needy != "" {
			t.Errorf("%q: got %q, want %q", c.args, got, c.want)
		}
	}
	if got, needy := flagsFirst(set, []string{"--quiet", "URL", "--conns"}); !slices.Equal(got, []string{"--quiet", "--", "URL"}) || needy != "--conns" {
		t.Errorf("%q, %q", got, needy)
	}
}
