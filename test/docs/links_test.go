package docs

import (
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var target = regexp.MustCompile(`\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)`)

// TestLinks: every relative link leads to a file, and every anchor to a heading. What is on other hosts is not asked for.
func TestLinks(t *testing.T) {
	all, links := make(map[string]*page), 0
	for _, p := range pages(t) {
		all[p.path] = p
	}
	for _, p := range all {
		for _, m := range target.FindAllStringSubmatch(p.prose, -1) {
			if problem := broken(all, p, m[1]); problem != "" {
				t.Errorf("%s: link to %s: %s", p.path, m[1], problem)
			}
			links++
		}
	}
	if links < 100 {
		t.Errorf("only %d links", links)
	}
}

// broken says what is wrong with a link on a page; nothing: "".
func broken(all map[string]*page, on *page, link string) string {
	u, err := url.Parse(link)
	switch {
	case err != nil:
		return err.Error()
	case u.Scheme == "http" || u.Scheme == "https" || u.Scheme == "mailto":
		return ""
	case u.Scheme != "" || u.Host != "" || strings.HasPrefix(u.Path, "/"):
		return "not relative"
	}
	to := on.path
	if u.Path != "" {
		to = path.Join(path.Dir(on.path), u.Path)
		if _, err := os.Stat(filepath.Join(root, to)); err != nil {
			return "there is no such file"
		}
	}
	if u.Fragment != "" && (all[to] == nil || !all[to].anchors[u.Fragment]) {
		return "there is no such heading"
	}
	return ""
}

// TestPagesAreOnTheMap: whoever begins at docs/README.md finds every page.
func TestPagesAreOnTheMap(t *testing.T) {
	all := pages(t)
	linked := make(map[string]bool)
	for _, p := range all {
		if p.path == "docs/README.md" {
			for _, m := range target.FindAllStringSubmatch(p.prose, -1) {
				linked[path.Join("docs", m[1])] = true
			}
		}
	}
	for _, p := range all {
		if path.Dir(p.path) == "docs" && p.path != "docs/README.md" && !linked[p.path] {
			t.Errorf("docs/README.md does not name %s", p.path)
		}
	}
}
