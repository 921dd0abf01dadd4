package main

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"
)

// published is where the repository's other files can be seen.
const published = "https://github.com/wsedge/wsedge/"

// site is all that is written.
type site struct {
	root  string
	files map[string]string // by path in the repository: the path on the site
	pages map[string]*page  // by path in the repository
	nav   []section
}

// section is a part of the navigation.
type section struct {
	Title string
	Pages []entry
}

type entry struct {
	page  *page
	Title string
}

// navigation takes the sections of the first page, and the pages that their tables name in the first column.
func (s *site) navigation() {
	p := s.pages[first]
	for n := p.root.FirstChild(); n != nil; n = n.NextSibling() {
		switch n := n.(type) {
		case *ast.Heading:
			if n.Level == 2 {
				s.nav = append(s.nav, section{Title: p.words(n)})
			}
		case *extast.Table:
			for row := n.FirstChild(); row != nil && len(s.nav) > 0; row = row.NextSibling() {
				s.listed(p, row.FirstChild())
			}
		}
	}
}

// listed appends the page that a cell of the first page links to.
func (s *site) listed(p *page, cell ast.Node) {
	for c := cell.FirstChild(); c != nil; c = c.NextSibling() {
		if l, ok := c.(*ast.Link); ok {
			if to := s.pages[path.Join(path.Dir(first), string(l.Destination))]; to != nil {
				last := &s.nav[len(s.nav)-1]
				last.Pages = append(last.Pages, entry{to, p.words(l)})
			}
		}
	}
}

// link turns all links of all pages from paths in the repository to paths on the site. Those that lead nowhere are errors.
func (s *site) link() error {
	var problems []error
	for _, p := range s.pages {
		_ = ast.Walk(p.root, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
			var to *[]byte
			switch n := n.(type) {
			case *ast.Link:
				if entering {
					s.name(p, n)
				}
				to = &n.Destination
			case *ast.Image:
				to = &n.Destination
			}
			if entering && to != nil {
				link, err := s.target(p, string(*to))
				if err != nil {
					problems = append(problems, fmt.Errorf("%s: link to %s: %w", p.from, *to, err))
				}
				*to = []byte(link)
			}
			return ast.WalkContinue, nil
		})
	}
	return errors.Join(problems...)
}

// name has a link that shows the name of a page's file show what the navigation calls that page.
func (s *site) name(p *page, l *ast.Link) {
	file, _, _ := strings.Cut(string(l.Destination), "#")
	to := s.pages[path.Join(path.Dir(p.from), file)]
	if to == nil || p.words(l) != path.Base(file) {
		return
	}
	for _, section := range s.nav {
		for _, e := range section.Pages {
			if e.page == to {
				l.RemoveChildren(l)
				l.AppendChild(l, ast.NewString([]byte(e.Title)))
			}
		}
	}
}

// target is where a link of a page leads to from where the page is on the site.
func (s *site) target(p *page, link string) (string, error) {
	u, err := url.Parse(link)
	if err != nil || u.Scheme != "" {
		return link, err
	}
	from := p.from
	if u.Path != "" {
		from = path.Join(path.Dir(p.from), u.Path)
	}
	if to := s.pages[from]; to != nil && u.Fragment != "" && !to.anchors[u.Fragment] {
		return link, errors.New("there is no such heading")
	}
	if to, ok := s.files[from]; ok {
		u.Path = ""
		if from != p.from {
			u.Path = relative(p.to, to)
		}
		return u.String(), nil
	}
	info, err := os.Stat(filepath.Join(s.root, filepath.FromSlash(from)))
	if err != nil {
		return link, err
	}
	kind := "blob/main/"
	if info.IsDir() {
		kind = "tree/main/"
	}
	return published + kind + from, nil
}

// relative is the link from one path on the site to another.
func relative(from, to string) string {
	return strings.Repeat("../", strings.Count(from, "/")) + to
}
