package main

import (
	"testing"

	"github.com/wsedge/wsedge/loadtest"
)

func TestServerFlags(t *testing.T) {
	opts, err := parseOptions(loadtest.Idle, []string{"ws://h/ws", "--pid", "7, 8,9", "--metrics", "http://h/metrics"}, nil)
	if err != nil || opts.config.PID != 7 || len(opts.config.PIDs) != 2 || opts.config.MetricsURL != "http://h/metrics" {
		t.Errorf("%+v, %v", opts, err)
	}
	for _, bad := range []string{"", "x", "1,", "0", "-1"} {
		if _, err := parseOptions(loadtest.Idle, []string{"ws://h/ws", "--pid", bad}, nil); err == nil {
			t.Errorf("--pid %q: no error", bad)
		}
	}
}
