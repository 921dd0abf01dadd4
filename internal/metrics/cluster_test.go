package metrics

import (
	"strings"
	"testing"
)

func TestAppendCluster(t *testing.T) {
	text := string(AppendCluster(nil, 3, 4, 5))
	for _, want := range []string{"wsedge_cluster_nodes 3", "wsedge_cluster_lost_total 4", "wsedge_cluster_unanswered_total 5"} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
}

func TestAppendPresence(t *testing.T) {
	text := string(AppendPresence(nil, 3, 4))
	for _, want := range []string{"wsedge_presence_channels 3", "wsedge_presence_reports_total 4"} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
}
