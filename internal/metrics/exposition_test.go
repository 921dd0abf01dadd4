package metrics

import (
	"regexp"
	"strings"
	"testing"

	"github.com/wsedge/wsedge/reactor"
)

func TestAppend(t *testing.T) {
	text := string(Append(nil, reactor.Stats{
		Open: 3, Deliveries: 12, Drops: map[string]int64{"slow": 2, "conflated": 1}, Refused: map[string]int64{},
	}, 7))
	for _, want := range []string{
		"\nwsedge_channels 7\n", "wsedge_connections 3\n", "\nwsedge_deliveries_total 12\n",
		"# TYPE wsedge_drops_total counter\nwsedge_drops_total{reason=\"conflated\"} 1\nwsedge_drops_total{reason=\"slow\"} 2\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	line := regexp.MustCompile(`^(# (HELP|TYPE) wsedge_[a-z_]+ .+|wsedge_[a-z_]+(\{reason="[a-z_]+"\})? -?[0-9]+)$`)
	for _, l := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		if !line.MatchString(l) {
			t.Errorf("line %q is out of format", l)
		}
	}
}
