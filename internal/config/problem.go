package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Position is a place in a file. Lines and columns count from 1; 0: nobody knows.
type Position struct{ Line, Column int }

// Problem is something wrong in a file.
type Problem struct {
	File string
	Position
	// Path is that of the option or the section: listen.addr; "" for the whole.
	Path string
	What string
}

// Error writes file:line:column: path: what.
func (p *Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, max(p.Column, 1))
	}
	if p.Path != "" {
		b.WriteString(": " + p.Path)
	}
	b.WriteString(": " + p.What)
	return b.String()
}

// maxProblems is how many are told of. A file with more is no such file at all.
const maxProblems = 100

// Join makes one error of problems, in the order of the file; nil of none.
func Join(problems []*Problem) error {
	slices.SortStableFunc(problems, func(a, b *Problem) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	var all []error
	for i, p := range problems {
		if i == maxProblems {
			all = append(all, fmt.Errorf("%s: and %d problems more", p.File, len(problems)-i))
			break
		}
		all = append(all, p)
	}
	return errors.Join(all...)
}

// Problem is one with what stands at the path, or else with the nearest section above it.
func (d *Document) Problem(file, path, what string) *Problem {
	for at := path; at != ""; {
		if position, ok := d.marks[at]; ok {
			return &Problem{file, position, path, what}
		}
		at = at[:max(0, strings.LastIndexByte(at, '.'))]
	}
	return &Problem{File: file, Path: path, What: what}
}

// unknownKey says so, and what may have been meant.
func unknownKey(key string, known []string) string {
	text := fmt.Sprintf("unknown key %q", key)
	if near := nearest(key, known); near != "" {
		return text + fmt.Sprintf("; did you mean %s?", near)
	}
	for i := range Options {
		if o := &Options[i]; o.key() == key {
			return text + fmt.Sprintf("; did you mean %s?", o.Path)
		}
	}
	return text
}

// nearest is the word that is most like key, "" where none is like it: a third of its letters may differ.
func nearest(key string, words []string) string {
	const longest = 64 // no key is as long, and the distance takes the square of it
	if len(key) > longest {
		return ""
	}
	best, least := "", max(1, len(key)/3)+1
	for _, word := range words {
		if d := distance(key, word); d < least {
			best, least = word, d
		}
	}
	return best
}

// distance is how many letters to insert, remove or replace (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
