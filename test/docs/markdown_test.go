package docs

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

const root = "../.."

// page is a Markdown file, taken apart as far as these tests need it.
type page struct {
	path    string // from the root, with slashes
	prose   string // without code
	inline  []string
	blocks  []block
	anchors map[string]bool
}

// block is a fenced block of code.
type block struct {
	language string
	line     int // of its fence
	text     string
}

var (
	fence      = regexp.MustCompile("^ *(```+)([a-z-]*) *$")
	ticks      = regexp.MustCompile("`+")
	heading    = regexp.MustCompile(`^#{1,6} +(.+?) *#*$`)
	linkInText = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
	htmlAnchor = regexp.MustCompile(`<a (?:id|name)="([^"]+)"`)
)

// parse takes a page apart.
func parse(path, text string) *page {
	p := &page{path: path, anchors: make(map[string]bool)}
	var prose strings.Builder
	var open *block
	closing := ""
	for i, line := range strings.Split(text, "\n") {
		m := fence.FindStringSubmatch(line)
		switch {
		case open == nil && m != nil:
			open, closing = &block{language: m[2], line: i + 1}, m[1]
		case open != nil && m != nil && m[1] == closing && m[2] == "":
			p.blocks, open = append(p.blocks, *open), nil
		case open != nil:
			open.text += line + "\n"
		default:
			if m := heading.FindStringSubmatch(line); m != nil {
				p.anchor(slug(m[1]))
			}
			for _, m := range htmlAnchor.FindAllStringSubmatch(line, -1) {
				p.anchors[m[1]] = true
			}
			text, code := spans(line)
			p.inline = append(p.inline, code...)
			prose.WriteString(text + "\n")
		}
	}
	p.prose = prose.String()
	return p
}

// spans parts a line into its text and the code between backquotes: as many at the end of a span as at its beginning.
func spans(line string) (text string, code []string) {
	for {
		from := ticks.FindStringIndex(line)
		if from == nil {
			return text + line, code
		}
		mark, rest := line[from[0]:from[1]], line[from[1]:]
		end := slices.IndexFunc(ticks.FindAllStringIndex(rest, -1), func(at []int) bool { return at[1]-at[0] == len(mark) })
		if end < 0 {
			return text + line, code
		}
		at := ticks.FindAllStringIndex(rest, -1)[end]
		text, code, line = text+line[:from[0]], append(code, strings.TrimSpace(rest[:at[0]])), rest[at[1]:]
	}
}

// anchor notes a heading's anchor, numbered where it comes again.
func (p *page) anchor(name string) {
	unique := name
	for n := 1; p.anchors[unique]; n++ {
		unique = name + "-" + string(rune('0'+n))
	}
	p.anchors[unique] = true
}

// slug is the anchor that GitHub gives a heading: lower case, without punctuation, spaces as hyphens.
func slug(heading string) string {
	heading = linkInText.ReplaceAllString(heading, "$1")
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return -1
	}, heading)
}

// pages are all Markdown files of the repository, but for those of others, and of programs that loads are compared with.
func pages(t *testing.T) (all []*page) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && (name == "node_modules" || name == "bin" || name == "dist" || name == "testdata" || name == "peers" || len(name) > 2 && name[0] == '.') {
			return filepath.SkipDir
		}
		if entry.IsDir() || filepath.Ext(name) != ".md" {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		short, err := filepath.Rel(root, path)
		all = append(all, parse(filepath.ToSlash(short), string(bytes.ReplaceAll(text, []byte("\r"), nil))))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 10 {
		t.Fatalf("only %d pages", len(all))
	}
	return all
}

func TestParse(t *testing.T) {
	p := parse("x.md", "# A `b` & c_d\n## Twice\n## Twice\nsee `x y` and ``a`b``\n```sh\n# no heading\n`\n```\n[l](m.md)\n")
	for _, want := range []string{"a-b--c_d", "twice", "twice-1"} {
		if !p.anchors[want] {
			t.Errorf("no anchor %s in %v", want, p.anchors)
		}
	}
	if len(p.anchors) != 3 || len(p.blocks) != 1 || p.blocks[0] != (block{"sh", 5, "# no heading\n`\n"}) {
		t.Errorf("%+v", p)
	}
	if len(p.inline) != 3 || p.inline[1] != "x y" || p.inline[2] != "a`b" || !strings.Contains(p.prose, "[l](m.md)") {
		t.Errorf("%q, %q", p.inline, p.prose)
	}
}
