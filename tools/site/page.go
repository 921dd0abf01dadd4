package main

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"
)

var markdown = goldmark.New(goldmark.WithExtensions(extension.Table, extension.Strikethrough, extension.Linkify))

// longWord is up to how many bytes code is never broken between lines: what still fits into a column of a telephone.
const longWord = 24

// page is a Markdown file, parsed.
type page struct {
	from, to string // its path in the repository, and on the site
	source   []byte
	root     ast.Node
	title    string
	headings []heading // of the second and third level
	anchors  map[string]bool
}

type heading struct {
	Level    int
	ID, Text string
}

// parse reads a page, and gives its headings the anchors that GitHub gives them, so that the same links lead to them.
func parse(from, to string, source []byte) *page {
	p := &page{from: from, to: to, source: source, anchors: make(map[string]bool)}
	p.root = markdown.Parser().Parse(text.NewReader(source))
	_ = ast.Walk(p.root, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		h, ok := n.(*ast.Heading)
		if code, ok := n.(*ast.CodeSpan); ok && len(p.words(code)) <= longWord {
			code.SetAttributeString("class", []byte("word"))
		}
		if !ok || !entering {
			return ast.WalkContinue, nil
		}
		words := p.words(h)
		id := p.unique(anchor(words))
		h.SetAttributeString("id", []byte(id))
		switch {
		case h.Level == 1 && p.title == "":
			p.title = words
		case h.Level == 2 || h.Level == 3:
			p.headings = append(p.headings, heading{h.Level, id, words})
		}
		return ast.WalkSkipChildren, nil
	})
	return p
}

// words is the text of a node, without its marks.
func (p *page) words(n ast.Node) string {
	var b strings.Builder
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		switch c := c.(type) {
		case *ast.Text:
			b.Write(c.Segment.Value(p.source))
			if c.SoftLineBreak() {
				b.WriteByte(' ')
			}
		case *ast.String:
			b.Write(c.Value)
		default:
			b.WriteString(p.words(c))
		}
	}
	return b.String()
}

// anchor is a heading's text in lower case, with hyphens for spaces, and without punctuation.
func anchor(words string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(words) {
		if r == ' ' {
			r = '-'
		}
		if r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func (p *page) unique(id string) string {
	name := id
	for n := 1; p.anchors[name]; n++ {
		name = fmt.Sprintf("%s-%d", id, n)
	}
	p.anchors[name] = true
	return name
}
