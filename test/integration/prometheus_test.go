package integration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// packaged is a file of packaging/prometheus.
func packaged(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("../../packaging/prometheus", name))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// promtool runs it in packaging/prometheus, with an input, and wants it to be content.
func promtool(t *testing.T, input string, args ...string) {
	t.Helper()
	cmd := exec.Command("promtool", args...)
	cmd.Dir, cmd.Stdin = packaged(t, "."), strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	if args[1] == "metrics" && len(out) > 0 { // what it does not like but takes
		t.Errorf("promtool %s:\n%s", strings.Join(args, " "), out)
	}
}

func TestPromtool(t *testing.T) {
	needs(t, "promtool")
	promtool(t, "", "check", "rules", "alerts.yml")
	promtool(t, "", "check", "config", "scrape.yml")
	promtool(t, "", "test", "rules", "alerts_test.yml")
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(strings.Repeat("0123456789abcdef", 4)), 0o600); err != nil {
		t.Fatal(err)
	}
	s := start(t, "", "--tracing", "http://127.0.0.1:1", "--webhook", "http://127.0.0.1:1", "--webhook-allow-net", "127.0.0.0/8", "--webhook-secret-file", secret)
	text, _ := s.get("/metrics")
	promtool(t, text, "check", "metrics")
	s.stop()
	s = start(t, "", "--workers", "2") // summed
	text, _ = s.get("/metrics")
	promtool(t, text, "check", "metrics")
	s.stop()
}

// prometheus is a running Prometheus.
type prometheus struct {
	t    *testing.T
	base string
}

// startPrometheus has it scrape a server each second, with our alerts. It ends with the test.
func startPrometheus(t *testing.T, target string) *prometheus {
	t.Helper()
	dir := t.TempDir()
	config := filepath.Join(dir, "prometheus.yml")
	text := fmt.Sprintf("global: {scrape_interval: 1s, evaluation_interval: 1s}\nrule_files: [%q]\nscrape_configs: [{job_name: wsedge, static_configs: [{targets: [%q]}]}]\n",
		packaged(t, "alerts.yml"), target)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	port, _ := freePorts(t) // it does not tell which port it has picked
	addr := "127.0.0.1:" + port
	var log bytes.Buffer
	cmd := exec.Command("prometheus", "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+addr)
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("the log of Prometheus:\n%s", log.String())
		}
	})
	return &prometheus{t, "http://" + addr}
}

// ask reads an answer of its API; not ok: it is not there yet.
func (p *prometheus) ask(path string, into any) (ok bool) {
	response, err := http.Get(p.base + path)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return err == nil && response.StatusCode == http.StatusOK && json.Unmarshal(body, into) == nil
}

// value is that of a query with one result; "" for any other.
func (p *prometheus) value(query string) string {
	var answer struct {
		Data struct{ Result []struct{ Value [2]any } }
	}
	if !p.ask("/api/v1/query?query="+url.QueryEscape(query), &answer) || len(answer.Data.Result) != 1 {
		return ""
	}
	text, _ := answer.Data.Result[0].Value[1].(string)
	return text
}

// dashboardQueries are those of the dashboard's panels, with Grafana's variables filled in.
func dashboardQueries(t *testing.T) (queries []string) {
	t.Helper()
	text, err := os.ReadFile("../../packaging/grafana/wsedge.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct{ Targets []struct{ Expr string } }
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	variables := strings.NewReplacer("$__rate_interval", "1m", "$job", ".*", "$instance", ".*")
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			queries = append(queries, variables.Replace(target.Expr))
		}
	}
	if len(queries) < 50 {
		t.Errorf("%d queries", len(queries))
	}
	return queries
}

// A real Prometheus scrapes a real server, and the alerts can be evaluated on what it has got.
func TestPrometheusScrapes(t *testing.T) {
	needs(t, "prometheus")
	s := start(t, "")
	p := startPrometheus(t, s.addr)
	for range 3 {
		response, err := http.Post("http://"+s.addr+"/api/publish", "application/json", strings.NewReader(`{"channel":"news","data":1}`))
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
	}
	for query, want := range map[string]string{
		`up{job="wsedge"}`: "1", "wsedge_connections": "0", `wsedge_publications_total{source="api"}`: "3", `wsedge_api_requests_total{method="publish",code="2xx"}`: "3",
		`count(wsedge_build_info{version!="",goversion=~"go.+"})`: "1", `wsedge_api_request_duration_seconds_count{method="publish"}`: "3",
		`count(wsedge_loop_lag_seconds_bucket{le="+Inf"})`: "1",
	} {
		eventually(t, query+" is "+want, func() bool { return p.value(query) == want })
	}
	for _, query := range dashboardQueries(t) {
		if !p.ask("/api/v1/query?query="+url.QueryEscape(query), new(struct{})) {
			t.Errorf("Prometheus does not take %s", query)
		}
	}
	p.wantQuietAlerts()
	s.stop()
}

// wantQuietAlerts wants all alerts to be evaluated, and none to fire.
func (p *prometheus) wantQuietAlerts() {
	p.t.Helper()
	var answer struct {
		Data struct {
			Groups []struct {
				Rules []struct{ Name, Health, State, LastError string }
			}
		}
	}
	eventually(p.t, "all alerts are evaluated", func() bool {
		answer.Data.Groups = nil
		if !p.ask("/api/v1/rules", &answer) || len(answer.Data.Groups) != 1 || len(answer.Data.Groups[0].Rules) == 0 {
			return false
		}
		for _, r := range answer.Data.Groups[0].Rules {
			if r.Health == "unknown" {
				return false
			}
		}
		return true
	})
	for _, r := range answer.Data.Groups[0].Rules {
		if r.Health != "ok" || r.State == "firing" {
			p.t.Errorf("%+v", r)
		}
	}
}
