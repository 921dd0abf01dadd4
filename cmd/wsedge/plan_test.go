package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/wsedge/wsedge/internal/capacity"
)

func TestPlan(t *testing.T) {
	status, stdout, stderr := call(nil, "plan", "--conns", "1000000", "--tls", "compact", "--json")
	var p capacity.Plan
	if err := json.Unmarshal([]byte(stdout), &p); status != exitOK || err != nil || p.Nodes < 5 || p.Nodes > 15 || p.Decides != "CPU" {
		t.Errorf("status %d, %v, %+v %s", status, err, p, stderr)
	}
	if status, stdout, _ := call(nil, "plan", "--conns", "40000", "--files", "20000"); status != exitOK || !strings.Contains(stdout, "in 3 processes") {
		t.Errorf("status %d, %s", status, stdout)
	}
	for _, row := range []struct {
		args string
		want string
	}{{"", "connections: want"}, {"--conns 1 --tls ssl", "TLS: want"}, {"--conns 1 --memory 0.1", "memory: a node takes more"}, {"--conns 1 --cpus nan", "CPUs must be"}, {"--conns x", "invalid value"}} {
		if status, _, stderr := call(nil, append([]string{"plan"}, strings.Fields(row.args)...)...); status != exitUsage || !strings.Contains(stderr, row.want) {
			t.Errorf("%s: status %d, %s", row.args, status, stderr)
		}
	}
}
