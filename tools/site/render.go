package main

import (
	"bytes"
	_ "embed"
	"html/template"
	"strings"
)

//go:embed page.html
var layout string

var pageTemplate = template.Must(template.New("page").Parse(layout))

// shown is what the layout shows of a page.
type shown struct {
	Title    string
	Home     string // the way to the first page
	Style    string
	Nav      []menu
	Headings []heading
	Body     template.HTML
	Edit     string
	Previous *item
	Next     *item
}

type menu struct {
	Title string
	Items []item
}

type item struct {
	Link, Title string
	Here        bool
}

// wide has tables scroll by themselves where the screen is narrow.
var wide = strings.NewReplacer("<table>", `<div class="wide" tabindex="0"><table>`, "</table>", "</table></div>")

// render makes the page of HTML.
func (s *site) render(p *page) ([]byte, error) {
	var body bytes.Buffer
	if err := markdown.Renderer().Render(&body, p.source, p.root); err != nil {
		return nil, err
	}
	v := shown{
		Title: p.title,
		Home:  relative(p.to, "index.html"),
		Style: relative(p.to, "style.css"),
		Body:  template.HTML(wide.Replace(body.String())), // goldmark leaves out raw HTML, and escapes what is in code
		Edit:  published + "blob/main/" + p.from,
	}
	if len(p.headings) > 2 && p.from != first { // which is a list of pages itself
		v.Headings = p.headings
	}
	s.around(p, &v)
	var out bytes.Buffer
	err := pageTemplate.Execute(&out, v)
	return out.Bytes(), err
}

// around fills in the navigation, and the pages before and behind this one.
func (s *site) around(p *page, v *shown) {
	var flat []item
	at := -1
	for _, section := range s.nav {
		m := menu{Title: section.Title}
		for _, e := range section.Pages {
			i := item{relative(p.to, e.page.to), e.Title, e.page == p}
			if i.Here {
				at = len(flat)
			}
			flat, m.Items = append(flat, i), append(m.Items, i)
		}
		v.Nav = append(v.Nav, m)
	}
	if p.from == first && len(flat) > 0 {
		v.Next = &flat[0]
	}
	if at > 0 {
		v.Previous = &flat[at-1]
	}
	if at >= 0 && at+1 < len(flat) {
		v.Next = &flat[at+1]
	}
}
