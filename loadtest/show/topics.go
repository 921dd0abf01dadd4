package show

import (
	"fmt"

	"github.com/wsedge/wsedge/loadtest"
)

// topicsTable has the latency by the size of the topic; it is empty for a single topic.
func topicsTable(r *loadtest.Report) Table {
	t := Table{Title: "Topics by size", Head: []string{"subscribers", "topics", "subscribers in all", "deliveries", "p50", "p99", "max"}}
	for _, c := range r.TopicClasses {
		t.Rows = append(t.Rows, []string{
			fmt.Sprintf("%s to %s", thousands(c.From), thousands(c.To)), thousands(c.Topics), thousands(c.Subscribers), thousands(c.Delivered),
			loadtest.FormatMicros(c.P50), loadtest.FormatMicros(c.P99), loadtest.FormatMicros(c.Max),
		})
	}
	return t
}
