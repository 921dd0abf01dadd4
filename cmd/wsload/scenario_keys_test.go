package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/wsedge/wsedge/internal/tlstest"
	"github.com/wsedge/wsedge/loadtest"
)

var update = flag.Bool("update", false, "write the tables of docs/WSLOAD.md anew")

const docsPage = "../../docs/WSLOAD.md"

// table is what the documentation says of the keys.
func (f yamlFields) table() string {
	var b strings.Builder
	b.WriteString("| key | |\n|---|---|\n")
	for _, field := range f {
		if field.says != "" {
			fmt.Fprintf(&b, "| `%s` | %s |\n", field.key, field.says)
		}
	}
	return b.String()
}

// TestTablesOfScenarioKeys compares the tables in the documentation with the keys that are read.
func TestTablesOfScenarioKeys(t *testing.T) {
	page, err := os.ReadFile(docsPage)
	if err != nil {
		t.Fatal(err)
	}
	r := &scenarioReader{options: &options{}}
	text := string(page)
	for name, keys := range map[string]yamlFields{"run": r.runKeys(), "tls": r.tlsKeys(), "phase": r.phaseKeys(&loadtest.PhasePlan{})} {
		mark := "<!-- scenario keys: " + name + " -->\n"
		before, rest, found := strings.Cut(text, mark)
		shown, after, closed := strings.Cut(rest, "<!-- end -->")
		switch {
		case !found || !closed:
			t.Fatalf("no %s in %s", mark, docsPage)
		case *update:
			text = before + mark + keys.table() + "<!-- end -->" + after
		case shown != keys.table():
			t.Errorf("the table %q is not that of the keys; go test ./cmd/wsload -run TestTablesOfScenarioKeys -update", name)
		}
	}
	if *update {
		if err := os.WriteFile(docsPage, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestEveryFlagHasAKeyInAFile has each flag of a scenario be a key, or refused with a reason.
func TestEveryFlagHasAKeyInAFile(t *testing.T) {
	sets := []*flag.FlagSet{newRunFlags(&options{}), flag.NewFlagSet("fanout", flag.ContinueOnError), flag.NewFlagSet("mixed", flag.ContinueOnError)}
	o := &options{config: loadtest.Config{Scenario: loadtest.Fanout}}
	o.addFloor(sets[1])
	o.addIdle(sets[1])
	shape := &shapeOptions{}
	shape.addChurn(sets[2])
	shape.addStorm(sets[2])
	shape.addSlow(sets[2])
	keys := (&scenarioReader{options: o}).runKeys()
	for _, set := range sets {
		set.VisitAll(func(f *flag.Flag) {
			if keys.find(f.Name) == nil {
				t.Errorf("a file cannot say what --%s does, and does not tell why", f.Name)
			}
		})
	}
	seen := map[string]bool{}
	for _, f := range keys {
		if seen[f.key] {
			t.Errorf("%q is there twice", f.key)
		}
		seen[f.key] = true
	}
}

const onePhase = "url: wss://h/ws\nphases: [{name: a, duration: 1s}]\n"

func TestEverythingInAScenarioFile(t *testing.T) {
	dir := t.TempDir()
	authority := tlstest.NewAuthority()
	cert, key := tlstest.PEM(authority.Issue("load"))
	for name, text := range map[string]string{
		"ca.pem": string(authority.PEM()), "cert.pem": string(cert), "key.pem": string(key), "token": strings.Repeat("x", 32) + "\n",
		"mine.yaml": "name: mine\npublish: {http: {url: /p, body: '{{payload}}'}}\n", "s.yaml": onePhase + `
conns: 50
protocol: mine.yaml
topics: 5
topic-sizes: zipf:1
topic-rates: size
publish-by: http
deflate: takeover
tls: {insecure: true, server-name: n, version: 1.3, resume: true, standard: true, ca: ca.pem, cert: cert.pem, key: key.pem}
source: 127.0.0.0/30
pid: 17,18
metrics: http://h/metrics
agents: [a:1=2, b:1]
agent-token-file: token
with-local: true
accept-invalid: true
`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	opts, err := parseRun("run", []string{dir + "/s.yaml"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	c := opts.config
	wantTLS := loadtest.TLS{Insecure: true, ServerName: "n", Version: "1.3", Resume: true, Standard: true, CA: authority.PEM(), Cert: cert, Key: key}
	if !reflect.DeepEqual(c.TLS, wantTLS) || c.Protocol.Name != "mine" || c.Topics != 5 || c.TopicSizes.String() != "zipf:1" ||
		c.TopicRates != loadtest.RatesBySize || c.PublishBy != loadtest.PublishByHTTP || c.Deflate != loadtest.DeflateTakeover || len(c.Sources) != 1 ||
		c.PID != 17 || len(c.PIDs) != 1 || c.MetricsURL != "http://h/metrics" || len(c.Agents) != 2 || len(c.AgentToken) != 32 || !c.WithLocal || !opts.acceptInvalid {
		t.Errorf("%+v", opts)
	}
	if err := c.Check(); err != nil {
		t.Error(err)
	}
	opts, err = parseRun("run", strings.Fields(dir+"/s.yaml --agents c:1 --deflate=each --topics 3 --protocol wsedge --insecure=false"), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if c := opts.config; len(c.Agents) != 1 || c.Deflate != loadtest.DeflateEach || c.Topics != 3 || c.Protocol.Name != "wsedge" || c.TLS.Insecure {
		t.Errorf("%+v", c)
	}
}

// TestScenarioWithTopicsInTheDocumentation reads the second file that the documentation shows.
func TestScenarioWithTopicsInTheDocumentation(t *testing.T) {
	page, err := os.ReadFile(docsPage)
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(page), "```yaml\n# topics.yaml\n")
	text, _, _ = strings.Cut(text, "```")
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/ca.pem", tlstest.NewAuthority().PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir+"/topics.yaml", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr strings.Builder
	if code := run([]string{"check", dir + "/topics.yaml"}, nil, &stdout, &stderr); code != exitOK || stdout.String() != "topics: 2 phases, 1m0s in all\n" {
		t.Errorf("exit %d: %s%s", code, stdout.String(), stderr.String())
	}
}

// TestProtocolsInScenarioFiles have the lines of what is wrong with them.
func TestProtocolsInScenarioFiles(t *testing.T) {
	var good options
	good.config.Name = "night"
	text := onePhase + `protocol:
  setup:
    - send: join {{channel}}
      expect: {prefix: joined}
  publish:
    websocket: {send: 'say {{payload}}', ack: none}
`
	if err := readScenario([]byte(text), "", &good); err != nil {
		t.Fatal(err)
	}
	if p := good.config.Protocol; p.Name != "of night" || len(p.Setup) != 1 || p.Setup[0].Expect.Prefix != "joined" || p.Publish.WebSocket.Ack.By != loadtest.AckNone {
		t.Errorf("%+v", p)
	}
	for _, c := range []struct{ text, want string }{
		{"conns: x\nprotocol:\n  setpu: []\n  setup:\n    - sned: a\ncons: 1\n",
			"line 3: conns: want a whole number, not \"x\"\nline 5: unknown key setpu\nline 5: setup: step 1: neither sends nor expects anything\nline 7: unknown key sned\nline 8: unknown key \"cons\""},
		{"protocol:\n  publish:\n    websocket: {send: '{{payload}}', ack: maybe}\n", "line 5: "},
		{"protocol: {echo: a, echo: b}\n", "line 3: "},
		{"protocol: sockets\n", "line 3: protocol: there are "},
		{"protocol: none.yaml\n", "line 3: protocol: open here/none.yaml"},
		{"protocol: [a]\n", "line 3: want a single value here"},
		{"tls: {version: 1.3, verify: true, ca: none.pem}\n", "line 3: unknown key \"verify\"\nline 3: ca: open here/none.pem"},
		{"floor: true\n", "line 3: floor does not go with phases"},
		{"duration: 5s\nquiet: true\nca: a.pem\n", "line 3: duration belongs to a phase\nline 4: quiet is a flag only: where results go is not the scenario's to say\nline 5: ca stands below tls"},
		{"deflate: much\ntopic-sizes: big\npid: x\nagents: [a]\nsource: x\n",
			"line 3: deflate: want each or takeover, not \"much\"\nline 4: topic-sizes: topic sizes \"big\""},
	} {
		if err := readScenario([]byte(onePhase+c.text), "here", &options{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q:\n%v\nwant %s", c.text, err, c.want)
		}
	}
}
