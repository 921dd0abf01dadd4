package main

import (
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	leads = regexp.MustCompile(`(?:href|src)="([^"]*)"`)
	ids   = regexp.MustCompile(` id="([^"]*)"`)
)

// made builds the site of this repository, and returns its directory.
func made(t *testing.T) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "site")
	if n, err := build("../..", out); err != nil || n < 10 {
		t.Fatalf("%d pages, %v", n, err)
	}
	return out
}

// Every link on every page leads to a file of the site, and every anchor to a place in it. Nothing comes from elsewhere.
func TestLinksOfTheSite(t *testing.T) {
	out := made(t)
	anchors, pages := make(map[string]map[string]bool), make(map[string]string)
	err := fs.WalkDir(os.DirFS(out), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || path.Ext(name) != ".html" || strings.HasPrefix(name, "benchmarks/") {
			return err
		}
		text, err := os.ReadFile(filepath.Join(out, name))
		pages[name], anchors[name] = string(text), make(map[string]bool)
		for _, m := range ids.FindAllStringSubmatch(string(text), -1) {
			if anchors[name][m[1]] {
				t.Errorf("%s has two places called %s", name, m[1])
			}
			anchors[name][m[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range pages {
		for _, m := range leads.FindAllStringSubmatch(text, -1) {
			u, err := url.Parse(strings.ReplaceAll(m[1], "&amp;", "&"))
			switch {
			case err != nil:
				t.Errorf("%s: %s: %v", name, m[1], err)
				continue
			case u.Scheme != "":
				if strings.HasPrefix(m[0], "src") {
					t.Errorf("%s shows %s, of another host", name, m[1])
				}
				continue
			}
			to := name
			if u.Path != "" {
				to = path.Join(path.Dir(name), u.Path)
			}
			if _, err := os.Stat(filepath.Join(out, to)); err != nil {
				t.Errorf("%s: %s leads nowhere", name, m[1])
			} else if u.Fragment != "" && !anchors[to][u.Fragment] {
				t.Errorf("%s: %s: no such place", name, m[1])
			}
		}
		if strings.Contains(text, "<script") {
			t.Errorf("%s has a script", name)
		}
	}
}

// Whoever begins at the first page has all of docs/ in the navigation, and knows where they are.
func TestNavigation(t *testing.T) {
	out := made(t)
	for _, name := range []string{"quickstart.html", "client.html", "configuration.html", "decisions/0001-own-inbox.html"} {
		text, err := os.ReadFile(filepath.Join(out, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, link := range []string{"quickstart.html", "concepts.html", "client.html", "protocol.html", "operating.html", "architecture.html"} {
			link = relative(name, link)
			if strings.Count(string(text), `<li><a href="`+link+`"`) < 2 {
				t.Errorf("%s: the navigation has no %s", name, link)
			}
		}
		if here := strings.Count(string(text), `aria-current="page"`); (here == 0) != strings.HasPrefix(name, "decisions/") {
			t.Errorf("%s: %d times here", name, here)
		}
	}
}

// A link that leads nowhere is told, with its page.
func TestBrokenLinks(t *testing.T) {
	root := t.TempDir()
	for name, text := range map[string]string{
		"docs/README.md": "# A\n[b](B.md#there) [c](B.md#missing) [d](D.md) [e](B.md)\n",
		"docs/B.md":      "# B\n## There\n",
		"README.md":      "# R\n", "clients/js/README.md": "# C\n",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, err := build(root, filepath.Join(root, "out"))
	if err == nil || strings.Count(err.Error(), "link to") != 2 || !strings.Contains(err.Error(), "B.md#missing") || !strings.Contains(err.Error(), "D.md") {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(filepath.Join(root, "out")); err == nil {
		t.Error("something was written")
	}
}
