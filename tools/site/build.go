package main

import (
	_ "embed"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

//go:embed style.css
var style []byte

// first is the page that the site begins with, and whose tables are the navigation.
const first = "docs/README.md"

// others are the pages outside docs/, with what they are called on the site.
var others = map[string]string{
	"README.md":            "overview.html",
	"clients/js/README.md": "client.html",
}

// build writes the site, and returns of how many pages it is.
func build(root, out string) (int, error) {
	names, err := sources(root)
	if err != nil {
		return 0, err
	}
	s := &site{root: root, files: make(map[string]string), pages: make(map[string]*page)}
	for from, to := range names {
		s.files[from] = to
		if path.Ext(from) == ".md" {
			text, err := os.ReadFile(filepath.Join(root, from))
			if err != nil {
				return 0, err
			}
			s.pages[from] = parse(from, to, text)
		}
	}
	if s.pages[first] == nil {
		return 0, fmt.Errorf("%s is not there", first)
	}
	s.navigation()
	if err := s.link(); err != nil {
		return 0, err
	}
	if err := os.RemoveAll(out); err != nil {
		return 0, err
	}
	return len(s.pages), s.write(out)
}

// sources are the files that the site has, by their paths in the repository, and where they are on the site.
func sources(root string) (map[string]string, error) {
	names := make(map[string]string)
	err := fs.WalkDir(os.DirFS(root), "docs", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		short := strings.TrimPrefix(name, "docs/")
		switch path.Ext(name) {
		case ".md":
			names[name] = strings.ToLower(strings.TrimSuffix(short, ".md")) + ".html"
		case ".svg", ".png", ".json", ".html", ".txt", ".csv":
			names[name] = short
		}
		return nil
	})
	names[first] = "index.html"
	for from, to := range others {
		names[from] = to
	}
	return names, err
}

// write writes the pages, what they show, and the style.
func (s *site) write(out string) error {
	put := func(name string, data []byte) error {
		name = filepath.Join(out, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		return os.WriteFile(name, data, 0o644)
	}
	if err := put("style.css", style); err != nil {
		return err
	}
	names := make([]string, 0, len(s.files))
	for from := range s.files {
		names = append(names, from)
	}
	slices.Sort(names)
	for _, from := range names {
		data, err := s.content(from)
		if err != nil {
			return err
		}
		if err := put(s.files[from], data); err != nil {
			return err
		}
	}
	return nil
}

// content is what the site has of a file: a page that was made of it, or the file itself.
func (s *site) content(from string) ([]byte, error) {
	if p := s.pages[from]; p != nil {
		return s.render(p)
	}
	return os.ReadFile(filepath.Join(s.root, from))
}
