package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wsedge/wsedge/loadtest"
)

const exampleFile = "testdata/scenario.yaml"

func TestScenarioFile(t *testing.T) {
	opts, err := parseRun("run", []string{exampleFile, "--conns", "150", "--json", "f", "--expect", "p99<1s"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	c := opts.config
	if c.URL != "ws://127.0.0.1:8080/ws" || c.Conns != 150 || c.Name != "scenario" || c.Seed != 7 || c.Backoff != 100*time.Millisecond ||
		c.Payload != 128 || c.Rate != 8 || opts.files.json != "f" || len(c.Expect) != 4 || len(c.Phases) != 4 || c.NoRetry {
		t.Errorf("%+v", c)
	}
	p := c.Phases
	if !p[0].Unmeasured || *p[0].Conns != 200 || *p[0].Rate != (loadtest.Ramp{From: 5, To: 20}) || p[1].Unmeasured || p[1].Churn != 50 ||
		p[2].Drop != 0.5 || p[2].DropBy != loadtest.DropReset || p[2].ReturnJitter != 200*time.Millisecond || p[3].Slow != 0.01 ||
		p[3].Trickle != 512 || p[3].Arrivals.String() != "poisson" {
		t.Errorf("%+v", p)
	}
	if err := c.Check(); err != nil {
		t.Error(err)
	}
}

// TestScenarioFileInTheDocumentation keeps the two the same.
func TestScenarioFileInTheDocumentation(t *testing.T) {
	file, err := os.ReadFile(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/WSLOAD.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), "```yaml\n"+string(file)+"```\n") {
		t.Errorf("docs/WSLOAD.md does not show %s as it is", exampleFile)
	}
}

func TestScenarioFilesThatAreWrong(t *testing.T) {
	cases := []struct{ text, want string }{
		{"", "the file is empty"},
		{"- a", "line 1: want keys and values here"},
		{"url: ws://h/ws\nphases: []", "line 1: there is no phase"},
		{"phases:\n  - name: a\n    duration: 1s", `line 1: "url" is missing`},
		{"url: a\nurl: b\nphases: []", "line 2: "},
		{"url: ws://h/ws\ncons: 5\nconns: many\nphases:\n  - name: a\n    duration: 5\n    drop: 150%\n    churn: -1\n    rate: 5..x\n",
			"line 2: unknown key \"cons\"\nline 3: conns: want a whole number, not \"many\"\nline 6: duration: want a duration such as 10s, not \"5\"\n" +
				"line 7: drop: want a share such as 1%, up to 100%, not \"150%\"\nline 8: churn: want a rate such as 100/s, not \"-1\"\n" +
				"line 9: rate: want a rate such as 100/s, not \"x\""},
		{"url: [a]\nretry: maybe\nexpect: lost==0\nphases: 7", "line 1: want a single value here"},
		{"url: a: b", "line 1"},
	}
	for _, c := range cases {
		if err := readScenario([]byte(c.text), "", &options{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %s", c.text, err, c.want)
		}
	}
}

func TestCheckTellsAllThatIsWrong(t *testing.T) {
	file := filepath.Join(t.TempDir(), "f.yaml")
	text := "url: http://h\nconns: 5\nphases:\n  - name: A b\n    duration: 0s\n  - name: x\n    duration: 1s\n    drop-by: magic\n  - name: x\n    duration: 1s\n" +
		"expect: [phases.y.lost==0]\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr strings.Builder
	code := run([]string{"check", file}, strings.NewReader(""), &stdout, &stderr)
	for _, want := range []string{"want a URL such as", `not "A b"`, "duration must be", `not "magic"`, `two of that name`, `no phase "y"`} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("nothing about %q in %s", want, stderr.String())
		}
	}
	if code != exitUsage {
		t.Errorf("exit %d", code)
	}
	stdout.Reset()
	if code := run([]string{"check", exampleFile}, strings.NewReader(""), &stdout, &stderr); code != exitOK || stdout.String() != "scenario: 4 phases, 2.5s in all\n" {
		t.Errorf("exit %d: %s", code, stdout.String())
	}
}

func TestShapes(t *testing.T) {
	for _, name := range loadtest.ShapeNames() {
		opts, err := parseShape(name, []string{"ws://h/ws", "--duration", "5s", "--retry=false", "--backoff", "1s", "--rate", "0"}, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		c := opts.config
		if err := c.Check(); err != nil || !c.NoRetry || c.Backoff != time.Second || c.Name != name || c.Length() < 5*time.Second {
			t.Errorf("%s: %v, %+v", name, err, c)
		}
	}
	opts, err := parseShape("mixed", strings.Fields("ws://h/ws --churn 7/s --churn-random --drop 20% --drop-by silent --return-after 1s "+
		"--return-rate 50/s --return-jitter 2s --slow 2% --trickle 4KB/s"), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	p := opts.config.Phases
	if len(p) != 6 || p[2].Churn != 7 || !p[2].ChurnRandom || p[3].Slow != 0.02 || p[3].Trickle != 4000 || p[4].Drop != 0.2 ||
		p[4].DropBy != loadtest.DropSilent || p[4].ReturnAfter != time.Second || p[4].ReturnRate != 50 || p[4].ReturnJitter != 2*time.Second {
		t.Errorf("%+v", p)
	}
}

func TestShapesRefuseWhatTheyCannotRead(t *testing.T) {
	for _, flags := range []string{"--churn often", "--drop 101%", "--slow x", "--trickle -1", "--return-rate x", "--retry=maybe"} {
		if _, err := parseShape("mixed", append(strings.Fields(flags), "ws://h/ws"), io.Discard); err == nil {
			t.Errorf("%s was taken", flags)
		}
	}
	for _, args := range []string{"", "a b", exampleFile + " --duration 3s", "/does/not/exist"} {
		if _, err := parseRun("run", strings.Fields(args), io.Discard); err == nil {
			t.Errorf("%q was taken", args)
		}
	}
}

func TestPlansAreAsInAFile(t *testing.T) {
	opts, err := parseRun("run", []string{exampleFile}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range opts.config.Phases {
		var again options
		if err := readScenario([]byte("url: ws://h/ws\nphases:\n  - "+p.String()), "", &again); err != nil || again.config.Phases[0].String() != p.String() {
			t.Errorf("%v: %v, %v", p, again.config.Phases, err)
		}
	}
}
