package docs

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	continued = regexp.MustCompile(`\\\n\s*`)
	comment   = regexp.MustCompile(`(^|\s)#.*`)
	quoted    = regexp.MustCompile(`'[^']*'|"[^"]*"`)
	started   = regexp.MustCompile(`(?:^|[\s(/])(wsedge|wsload)((?: [^|&;()]*)?)`)
	flagName  = regexp.MustCompile(`(?:^|\s)--([a-z0-9-]+)`)
	placed    = regexp.MustCompile(`^[a-z]+$`)
)

// wrong says what is wrong with the commands of ours in a line of shell.
func (f flags) wrong(line string) (problems []string) {
	line = quoted.ReplaceAllString(comment.ReplaceAllString(line, ""), "x")
	for _, m := range started.FindAllStringSubmatch(line, -1) {
		words := strings.Fields(m[2])
		if len(words) == 0 || !placed.MatchString(words[0]) {
			continue // the program is spoken of, not run
		}
		command, there := f[m[1]][words[0]]
		if !there {
			problems = append(problems, m[1]+" has no command "+words[0])
			continue
		}
		for _, flag := range flagName.FindAllStringSubmatch(m[2], -1) {
			if !command[flag[1]] {
				problems = append(problems, m[1]+" "+words[0]+" has no --"+flag[1])
			}
		}
	}
	return problems
}

func TestWrong(t *testing.T) {
	f := flags{"wsedge": {"serve": {"addr": true}}}
	for line, want := range map[string]int{
		"wsedge serve --addr x # --no-such":         0,
		"bin/wsedge serve --adr x":                  1,
		"cd x && wsedge sevre":                      1,
		"wsedge serve --addr x | wsedge tail x":     1,
		`echo "wsedge sevre"; ls wsedge --x`:        0,
		"$ wsedge serve --a --b & SERVER=$!":        2,
		"T=$(wsedge serve --addr) curl --no-such":   0,
		"github.com/wsedge/wsedge is not a command": 1, // it looks like one: shell, not prose, is judged
	} {
		if got := f.wrong(line); len(got) != want {
			t.Errorf("%s: %q, want %d", line, got, want)
		}
	}
}

// TestCommands: every command of ours in a block, or in a line of its own in the text, exists, with every flag that it has there.
func TestCommands(t *testing.T) {
	f, seen := told(t), 0
	for _, p := range pages(t) {
		for _, b := range p.blocks {
			if b.language != "" && b.language != "sh" && b.language != "console" {
				continue
			}
			for _, line := range strings.Split(continued.ReplaceAllString(b.text, " "), "\n") {
				for _, problem := range f.wrong(line) {
					t.Errorf("%s, behind line %d: %s: %s", p.path, b.line, line, problem)
				}
				seen += strings.Count(line, "wsedge ") + strings.Count(line, "wsload ")
			}
		}
		for _, code := range p.inline {
			if strings.HasPrefix(code, "wsedge ") || strings.HasPrefix(code, "wsload ") {
				for _, problem := range f.wrong(strings.ReplaceAll(code, "|", " ")) {
					t.Errorf("%s: %s: %s", p.path, code, problem)
				}
			}
		}
	}
	if seen < 50 {
		t.Errorf("only %d commands", seen)
	}
}

// elisions are how the pages leave out parts of JSON.
var elisions = strings.NewReplacer(`,…,`, `,`, `,…}`, `}`, `, …]`, `]`, `[…]`, `[]`, `{…}`, `{}`, `:…`, `:null`)

// TestJSON: what is shown as JSON is JSON, elisions aside, in blocks and in the text.
func TestJSON(t *testing.T) {
	seen := 0
	check := func(where, text string) {
		t.Helper()
		for d := json.NewDecoder(strings.NewReader(elisions.Replace(text))); ; seen++ {
			var v any
			if err := d.Decode(&v); errors.Is(err, io.EOF) {
				return
			} else if err != nil {
				t.Errorf("%s: %s: %v", where, text, err)
				return
			}
		}
	}
	for _, p := range pages(t) {
		for _, b := range p.blocks {
			if b.language == "json" {
				check(p.path, b.text)
			}
		}
		for _, code := range p.inline {
			if strings.HasPrefix(code, `{"`) {
				check(p.path, code)
			}
		}
	}
	if seen < 30 {
		t.Errorf("only %d values", seen)
	}
}

// TestConfigurations: a block of YAML that begins with "# wsedge.yaml" passes wsedge check, with the secrets that it names beside it.
func TestConfigurations(t *testing.T) {
	seen := 0
	for _, p := range pages(t) {
		for _, b := range p.blocks {
			if b.language != "yaml" || !strings.HasPrefix(b.text, "# wsedge.yaml\n") || p.path == "docs/WSLOAD.md" {
				continue
			}
			dir := t.TempDir()
			for name, text := range map[string]string{
				"wsedge.yaml": b.text, "token.secret": strings.Repeat("s", 48), "backend.key": strings.Repeat("k", 32), "webhook.secret": strings.Repeat("w", 32),
			} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			out, err := exec.Command(filepath.Join(programs, "wsedge"), "check", "--config", filepath.Join(dir, "wsedge.yaml")).CombinedOutput()
			if err != nil {
				t.Errorf("%s, behind line %d: %v\n%s", p.path, b.line, err, out)
			}
			seen++
		}
	}
	if seen == 0 {
		t.Error("there is none")
	}
}
