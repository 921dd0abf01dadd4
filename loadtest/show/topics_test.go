package show

import (
	"slices"
	"strings"
	"testing"

	"github.com/wsedge/wsedge/loadtest"
)

func TestTopicsTable(t *testing.T) {
	r := &loadtest.Report{}
	if rows := topicsTable(r).Rows; len(rows) != 0 {
		t.Errorf("a single topic has %v", rows)
	}
	r.TopicClasses = []loadtest.TopicClass{{From: 1000, To: 9999, Topics: 1, Subscribers: 1018, Delivered: 4, P50: 10, P99: 2000, Max: 3000}}
	got := topicsTable(r)
	if want := []string{"1,000 to 9,999", "1", "1,018", "4", "10 µs", "2 ms", "3 ms"}; len(got.Rows) != 1 || !slices.Equal(got.Rows[0], want) {
		t.Errorf("got %v, want %v", got.Rows, want)
	}
	var page strings.Builder
	if err := WriteHTML(&page, r); err != nil || !strings.Contains(page.String(), "Topics by size") {
		t.Errorf("the page has no topics: %v", err)
	}
}
