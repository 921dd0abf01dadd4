package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	loneFlag    = regexp.MustCompile(`^--([a-z0-9-]+)(?:[ =].*)?$`)
	variable    = regexp.MustCompile(`\bWSEDGE_[A-Z_]+[A-Z]`)
	option      = regexp.MustCompile(`^([a-z_]+(?:\.[a-z_]+)+)(?:: .*)?$`)
	optionsOf   = regexp.MustCompile("(?m)^## `([a-z._]+)`$")
	optionNamed = regexp.MustCompile("(?m)^\\| `([a-z_0-9]+)` \\|")
	opening     = regexp.MustCompile(`^# .+\n\n(.*)`)
	metric      = regexp.MustCompile(`\bwsedge_[a-z_]+[a-z]`)
	makeTarget  = regexp.MustCompile(`^make ([a-z-]+)`)
	aTest       = regexp.MustCompile(`^((?:[a-z0-9]+/)+)((?:Test|Fuzz|Benchmark)[A-Za-z0-9]+)$`)
)

// foreign are flags of others that the pages speak of, each with whose it is.
var foreign = map[string]string{
	"ulimit": "docker run", "cpus": "docker run", "cpuset-cpus": "docker run",
	"conns": "loadtest", "rounds": "loadtest", "parts": "loadtest", "floor-rounds": "loadtest", "permits": "loadtest", "jitter": "loadtest", "tls-standard": "loadtest",
	"coalesce": "floor",
}

// variables are those of the environment that are no flags, each with whose it is.
var variables = map[string]string{
	"WSEDGE_INTEGRATION": "make integration", "WSEDGE_RATCHET": "make ratchet", "WSEDGE_PACKAGING": "make release-check", "WSEDGE_PROBE": "wsedge health", "WSEDGE_API_KEY": "wsedge publish", "WSEDGE_TOKEN": "wsedge tail",
	"WSEDGE_MONITOR": "a decision that speaks of what was tried",
}

func text(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestFlags: a flag that stands alone is one of some command of ours, and a variable of the environment stands for one.
func TestFlags(t *testing.T) {
	f, seen := told(t), 0
	for _, p := range pages(t) {
		for _, code := range p.inline {
			if m := loneFlag.FindStringSubmatch(code); m != nil {
				if seen++; !f.anywhere(m[1]) && foreign[m[1]] == "" {
					t.Errorf("%s: nothing has --%s", p.path, m[1])
				}
			}
			for _, name := range variable.FindAllString(code, -1) {
				flag := strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(name, "WSEDGE_")), "_", "-")
				if !f.anywhere(flag) && variables[name] == "" {
					t.Errorf("%s: nothing reads %s", p.path, name)
				}
			}
		}
	}
	if seen < 100 {
		t.Errorf("only %d flags", seen)
	}
}

// options are all keys of the configuration, as CONFIGURATION.md lists them, which is made from the table of options.
func options(t *testing.T) map[string]bool {
	all := make(map[string]bool)
	page := text(t, "docs/CONFIGURATION.md")
	at := optionsOf.FindAllStringSubmatchIndex(page, -1)
	for i, m := range at {
		section, end := page[m[2]:m[3]], len(page)
		if i+1 < len(at) {
			end = at[i+1][0]
		}
		all[section] = true
		for _, key := range optionNamed.FindAllStringSubmatch(page[m[1]:end], -1) {
			all[section+"."+key[1]] = true
		}
	}
	return all
}

// TestOptions: what is written as an option of the configuration is one.
func TestOptions(t *testing.T) {
	all, seen := options(t), 0
	sections := make(map[string]bool)
	for name := range all {
		first, _, _ := strings.Cut(name, ".")
		sections[first] = true
	}
	for _, p := range pages(t) {
		if p.path == "docs/WSLOAD.md" {
			continue // it has names of its own: those of a result
		}
		for _, code := range p.inline {
			m := option.FindStringSubmatch(strings.ReplaceAll(code, "[]", ""))
			if m == nil {
				continue
			}
			if first, _, _ := strings.Cut(m[1], "."); !sections[first] {
				continue
			}
			if seen++; !all[m[1]] {
				t.Errorf("%s: there is no option %s", p.path, m[1])
			}
		}
	}
	if seen < 20 {
		t.Errorf("only %d options", seen)
	}
}

// TestMetrics: every metric that a page names is one.
func TestMetrics(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root, "internal/metrics/*.go"))
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	var source strings.Builder
	for _, file := range files {
		source.WriteString(text(t, strings.TrimPrefix(file, root+"/")))
	}
	for _, p := range pages(t) {
		for _, code := range p.inline {
			for _, name := range metric.FindAllString(code, -1) {
				if !strings.Contains(source.String(), `"`+name+`"`) && name != "wsedge_debug" {
					t.Errorf("%s: there is no metric %s", p.path, name)
				}
			}
		}
	}
}

// TestTargets: every target of make that a page names is there.
func TestTargets(t *testing.T) {
	lines := strings.Split(text(t, "Makefile"), "\n")
	for _, p := range pages(t) {
		for _, code := range p.inline {
			if m := makeTarget.FindStringSubmatch(code); m != nil {
				if !slices.ContainsFunc(lines, func(line string) bool { return strings.HasPrefix(line, m[1]+":") }) {
					t.Errorf("%s: make has no %s", p.path, m[1])
				}
			}
		}
	}
}

// TestProofs: a test that a page names as its proof is there.
func TestProofs(t *testing.T) {
	for _, p := range pages(t) {
		for _, code := range p.inline {
			m := aTest.FindStringSubmatch(code)
			if m == nil {
				continue
			}
			files, err := filepath.Glob(filepath.Join(root, m[1]+"*_test.go"))
			if err != nil {
				t.Fatal(err)
			}
			if !slices.ContainsFunc(files, func(file string) bool {
				return strings.Contains(text(t, strings.TrimPrefix(file, root+"/")), "\nfunc "+m[2]+"(")
			}) {
				t.Errorf("%s: there is no %s", p.path, code)
			}
		}
	}
}

// TestPagesSayWhomTheyAreFor: nobody reads a page to its end to find that it is for others. A reference that is made begins with what of.
func TestPagesSayWhomTheyAreFor(t *testing.T) {
	for _, p := range pages(t) {
		if filepath.Dir(p.path) != "docs" {
			continue
		}
		first := opening.FindStringSubmatch(text(t, p.path))
		if first == nil || !strings.HasPrefix(first[1], "*For ") && !strings.HasPrefix(first[1], "For ") && !strings.HasPrefix(first[1], "<!-- Made from ") {
			t.Errorf("%s does not begin with whom it is for", p.path)
		}
	}
}
