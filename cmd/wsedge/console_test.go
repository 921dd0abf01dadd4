package main

import (
	"io"
	"testing"
)

// The console is there unless a file or a flag says otherwise; the flag counts.
func TestConsoleCanBeSwitchedOff(t *testing.T) {
	off := file(t, "listen: {console: false}\n")
	for _, row := range []struct {
		args []string
		none bool
	}{
		{nil, false}, {[]string{"--console=false"}, true}, {[]string{"--config", off}, true}, {[]string{"--config", off, "--console"}, false},
		{[]string{"--config", file(t, "listen: {}\n")}, false},
	} {
		s, status := readServing(&environment{io.Discard, io.Discard, func(string) (string, bool) { return "", false }}, row.args)
		if status != exitOK || s.cfg.NoConsole != row.none {
			t.Errorf("%v: status %d, no console: %v", row.args, status, s != nil && s.cfg.NoConsole)
		}
	}
}
