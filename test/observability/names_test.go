package observability

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

const (
	dashboard = "../../packaging/grafana/wsedge.json"
	alerts    = "../../packaging/prometheus/alerts.yml"
	alertTest = "../../packaging/prometheus/alerts_test.yml"
	operating = "../../docs/OPERATING.md"
)

// rule is one of alerts.yml.
type rule struct {
	Alert, Expr string
	Labels      map[string]string
	Annotations map[string]string
}

func rules(t *testing.T) []rule {
	t.Helper()
	text, err := os.ReadFile(alerts)
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Groups []struct{ Rules []rule } }
	if err := yaml.Unmarshal(text, &file); err != nil || len(file.Groups) != 1 {
		t.Fatalf("%d groups, %v", len(file.Groups), err)
	}
	return file.Groups[0].Rules
}

// expressions are the texts under any of these keys in a JSON document.
func expressions(value any, keys ...string) (found []string) {
	switch v := value.(type) {
	case map[string]any:
		for key, inner := range v {
			if text, ok := inner.(string); ok && slices.Contains(keys, key) {
				found = append(found, text)
			}
			found = append(found, expressions(inner, keys...)...)
		}
	case []any:
		for _, inner := range v {
			found = append(found, expressions(inner, keys...)...)
		}
	}
	return found
}

func dashboardExpressions(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(dashboard)
	if err != nil {
		t.Fatal(err)
	}
	var document any
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	return expressions(document, "expr", "definition")
}

// asked finds metrics with what their labels must be.
var asked = regexp.MustCompile(`\b((?:wsedge|go|process)_[a-z_]+|up)\b(?:\{([^}]*)\})?`)

// target are the labels that Prometheus gives to what it scrapes.
var target = []string{"job", "instance"}

// check wants all that an expression asks for to be there.
func check(expression string, there map[string]*metric) error {
	for _, m := range asked.FindAllStringSubmatch(expression, -1) {
		if m[1] == "up" {
			continue // Prometheus' own
		}
		is := there[m[1]]
		if is == nil {
			return fmt.Errorf("there is no metric %s", m[1])
		}
		for _, l := range regexp.MustCompile(`([a-z_]+)(?:=|!|~)`).FindAllStringSubmatch(m[2], -1) {
			if !slices.Contains(target, l[1]) && !slices.Contains(labelsOf(is), l[1]) {
				return fmt.Errorf("%s has no label %s", m[1], l[1])
			}
		}
	}
	return nil
}

// labelsOf are the labels of a metric: where nothing has been counted yet, it is for the reasons to come.
func labelsOf(m *metric) []string {
	if m.labels == nil {
		return []string{"reason"}
	}
	return m.labels
}

func TestDashboardAndAlertsAskForWhatThereIs(t *testing.T) {
	there := names(read(t, scrape(t)))
	panels := dashboardExpressions(t)
	if len(panels) < 50 {
		t.Errorf("%d expressions in the dashboard", len(panels))
	}
	for _, expression := range panels {
		if err := check(expression, there); err != nil {
			t.Errorf("dashboard: %s: %v", expression, err)
		}
	}
	for _, r := range rules(t) {
		if err := check(r.Expr, there); err != nil {
			t.Errorf("%s: %v", r.Alert, err)
		}
	}
	for _, wrong := range []string{"wsedge_nonsense", "rate(wsedge_fanout_duration_seconds[5m])", `wsedge_clients{reason="x"}`} {
		if check(wrong, there) == nil {
			t.Errorf("%s passes", wrong)
		}
	}
}

// What is counted can be seen: no metric is left out of the dashboard.
func TestDashboardShowsEverything(t *testing.T) {
	all := strings.Join(dashboardExpressions(t), "\n")
	for _, m := range read(t, scrape(t)) {
		if strings.HasPrefix(m.name, "wsedge_") && !regexp.MustCompile(`\b`+m.name+`(_bucket|_sum|_count)?\b`).MatchString(all) {
			t.Errorf("%s is not in the dashboard", m.name)
		}
	}
}

// Panels lie on Grafana's grid of 24 columns, none over another, with ids of their own.
func TestDashboardIsLaidOut(t *testing.T) {
	text, err := os.ReadFile(dashboard)
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Panels []struct {
			ID      int
			Title   string
			GridPos struct{ X, Y, W, H int }
		}
	}
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	ids, taken := make(map[int]bool), make(map[[2]int]string)
	for _, p := range d.Panels {
		if ids[p.ID] || p.Title == "" || p.GridPos.W < 1 || p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("%+v", p)
		}
		ids[p.ID] = true
		for x := range p.GridPos.W {
			for y := range p.GridPos.H {
				at := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
				if taken[at] != "" {
					t.Fatalf("%s lies over %s", p.Title, taken[at])
				}
				taken[at] = p.Title
			}
		}
	}
}

// Each alert says what to do, in a section of its own, and is tested for when it fires and when not.
func TestAlertsHaveRunbooks(t *testing.T) {
	text, err := os.ReadFile(operating)
	if err != nil {
		t.Fatal(err)
	}
	tests, err := os.ReadFile(alertTest)
	if err != nil {
		t.Fatal(err)
	}
	described := make(map[string]bool)
	for _, m := range regexp.MustCompile(`(?m)^#### (Wsedge\w+)$`).FindAllSubmatch(text, -1) {
		described[string(m[1])] = true
	}
	for _, r := range rules(t) {
		if !described[r.Alert] {
			t.Errorf("%s has no section in OPERATING.md", r.Alert)
		}
		delete(described, r.Alert)
		if want := "/docs/OPERATING.md#" + strings.ToLower(r.Alert); !strings.HasSuffix(r.Annotations["runbook_url"], want) {
			t.Errorf("%s leads to %s", r.Alert, r.Annotations["runbook_url"])
		}
		if r.Annotations["summary"] == "" || r.Annotations["description"] == "" || r.Labels["severity"] == "" {
			t.Errorf("%s is not described: %+v", r.Alert, r)
		}
		if n := bytes.Count(tests, []byte("alertname: "+r.Alert)); n < 2 {
			t.Errorf("%s is tested %d times, want at least one that fires and one that does not", r.Alert, n)
		}
	}
	for name := range described {
		t.Errorf("there is no alert %s", name)
	}
}
