package conformance

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

const kosme = "\xCE\xBA\xE1\xBD\xB9\xCF\x83\xCE\xBC\xCE\xB5"

// utf8Texts is family 6.
func utf8Texts() []Case {
	var s suite
	empty := frame(text, "")
	s.add("6.1.1", conversation{steps: says(frame(fin|text, "")), want: []event{textEvent("")}})
	s.add("6.1.2", conversation{steps: says(empty, frame(continuation, ""), frame(fin|continuation, "")), want: []event{textEvent("")}})
	s.add("6.1.3", conversation{steps: says(empty, frame(continuation, "middle frame payload"), frame(fin|continuation, "")),
		want: []event{textEvent("middle frame payload")}})
	hello := "Hello-\xC2\xB5@\xC3\x9F\xC3\xB6\xC3\xA4\xC3\xBC\xC3\xA0\xC3\xA1-UTF-8!!"
	s.add("6.2.1", conversation{steps: says(frame(fin|text, hello)), want: []event{textEvent(hello)}})
	s.add("6.2.2", conversation{steps: says(frame(text, hello[:12]), frame(fin|continuation, hello[12:])), want: []event{textEvent(hello)}})
	s.add("6.2.3", conversation{steps: says(fragments(fin|text, []byte(hello), 1)...), want: []event{textEvent(hello)}})
	s.add("6.2.4", conversation{steps: says(fragments(fin|text, []byte(kosme), 1)...), want: []event{textEvent(kosme)}})
	surrogate := kosme + "\xED\xA0\x80edited"
	s.add("6.3.1", conversation{steps: says(frame(fin|text, surrogate)), ending: fails, code: 1007})
	s.add("6.3.2", conversation{steps: says(fragments(fin|text, []byte(surrogate), 1)...), ending: fails, code: 1007})
	s.failFast()
	for _, group := range vectors {
		for i, v := range group.texts {
			payload := v
			c := conversation{steps: says(frame(fin|text, payload)), ending: fails, code: 1007}
			if utf8.ValidString(payload) {
				c = conversation{steps: c.steps, want: []event{textEvent(payload)}}
			}
			s.add(fmt.Sprintf("%s.%d", group.id, i+1), c)
		}
	}
	return s
}

// failFast adds 6.4.*: the server is to fail at the first octet that makes the text impossible, and so before the rest
// has been sent.
func (s *suite) failFast() {
	bad, edited := "\xF4\x90\x80\x80", "edited"
	whole := frame(fin|text, kosme+bad+edited)
	header := len(whole) - len(kosme+bad+edited)
	for i, parts := range [][3][]byte{
		{frame(text, kosme), frame(continuation, bad), frame(fin|continuation, edited)},
		{frame(text, kosme+bad[:1]), frame(continuation, bad[1:2]), frame(fin|continuation, bad[2:]+edited)},
		{whole[:header+len(kosme)], whole[header+len(kosme) : header+len(kosme)+4], whole[header+len(kosme)+4:]},
		{whole[:header+len(kosme)+1], whole[header+len(kosme)+1 : header+len(kosme)+2], whole[header+len(kosme)+2:]},
	} {
		*s = append(*s, Case{ID: fmt.Sprintf("6.4.%d", i+1), Run: func(target Target, mode Mode) (Verdict, error) {
			return runFailFast(parts, target, mode)
		}})
	}
}

// quietShare is the part of patience after which a server that has not failed is taken to wait for the rest. Only one
// that does not fail fast makes anybody wait for it.
const quietShare = 20

// runFailFast sends what makes the text impossible, and the rest only if the server waits for it.
func runFailFast(parts [3][]byte, target Target, mode Mode) (Verdict, error) {
	c := conversation{ending: fails, code: 1007}
	s, err := open(target, mode, "")
	if err != nil {
		return Failed, err
	}
	defer s.close()
	s.say(parts[0], 0)
	s.say(parts[1], 0)
	e, ok, quiet := s.awaitFor(target.patience() / quietShare)
	if !quiet {
		var got []event
		if ok {
			got = append(got, e)
		}
		return c.judge(append(got, s.drain()...), s)
	}
	s.say(parts[2], 0)
	verdict, err := c.judge(s.drain(), s)
	return max(verdict, NonStrict), err
}

// vectors are the texts of 6.5 to 6.23.
var vectors = []struct {
	id    string
	texts []string
}{
	{"6.5", []string{"hello\x24world", "hello\xC2\xA2world", "hello\xE2\x82\xACworld", "hello\xF0\xA4\xAD\xA2world", kosme}},
	{"6.6", prefixes(kosme)},
	{"6.7", []string{"\x00", "\xC2\x80", "\xE0\xA0\x80", "\xF0\x90\x80\x80"}},
	{"6.8", []string{"\xF8\x88\x80\x80\x80", "\xFC\x84\x80\x80\x80\x80"}},
	{"6.9", []string{"\x7F", "\xDF\xBF", "\xEF\xBF\xBF", "\xF4\x8F\xBF\xBF"}},
	{"6.10", []string{"\xF7\xBF\xBF\xBF", "\xFB\xBF\xBF\xBF\xBF", "\xFD\xBF\xBF\xBF\xBF\xBF"}},
	{"6.11", []string{"\xED\x9F\xBF", "\xEE\x80\x80", "\xEF\xBF\xBD", "\xF4\x8F\xBF\xBF", "\xF4\x90\x80\x80"}},
	{"6.12", []string{"\x80", "\xBF", "\x80\xBF", "\x80\xBF\x80", "\x80\xBF\x80\xBF", "\x80\xBF\x80\xBF\x80", "\x80\xBF\x80\xBF\x80\xBF", octets(0x80, 0xBE, "")}},
	{"6.13", []string{octets(0xC0, 0xDE, " "), octets(0xE0, 0xEE, " "), octets(0xF0, 0xF6, " "), octets(0xF8, 0xFA, " "), "\xFC "}},
	{"6.14", incomplete},
	{"6.15", []string{strings.Join(incomplete, "")}},
	{"6.16", []string{"\xFE", "\xFF", "\xFE\xFE\xFF\xFF"}},
	{"6.17", []string{"\xC0\xAF", "\xE0\x80\xAF", "\xF0\x80\x80\xAF", "\xF8\x80\x80\x80\xAF", "\xFC\x80\x80\x80\x80\xAF"}},
	{"6.18", []string{"\xC1\xBF", "\xE0\x9F\xBF", "\xF0\x8F\xBF\xBF", "\xF8\x87\xBF\xBF\xBF", "\xFC\x83\xBF\xBF\xBF\xBF"}},
	{"6.19", []string{"\xC0\x80", "\xE0\x80\x80", "\xF0\x80\x80\x80", "\xF8\x80\x80\x80\x80", "\xFC\x80\x80\x80\x80\x80"}},
	{"6.20", []string{"\xED\xA0\x80", "\xED\xAD\xBF", "\xED\xAE\x80", "\xED\xAF\xBF", "\xED\xB0\x80", "\xED\xBE\x80", "\xED\xBF\xBF"}},
	{"6.21", surrogatePairs()},
	{"6.22", slices.Concat([]string{"\xEF\xBF\xBE", "\xEF\xBF\xBF"}, nonCharacters())},
	{"6.23", []string{"\xEF\xBF\xB9", "\xEF\xBF\xBA", "\xEF\xBF\xBB", "\xEF\xBF\xBC", "\xEF\xBF\xBD", "\xEF\xBF\xBE", "\xEF\xBF\xBF"}},
}

var incomplete = []string{"\xC0", "\xE0\x80", "\xF0\x80\x80", "\xF8\x80\x80\x80", "\xFC\x80\x80\x80\x80",
	"\xDF", "\xEF\xBF", "\xF7\xBF\xBF", "\xFB\xBF\xBF\xBF", "\xFD\xBF\xBF\xBF\xBF"}

func prefixes(s string) []string {
	var all []string
	for i := 1; i <= len(s); i++ {
		all = append(all, s[:i])
	}
	return all
}

// octets are all from first to last, each with behind it.
func octets(first, last byte, behind string) string {
	var b strings.Builder
	for c := int(first); c <= int(last); c++ {
		b.WriteByte(byte(c))
		b.WriteString(behind)
	}
	return b.String()
}

func surrogatePairs() []string {
	var all []string
	for _, high := range []string{"\xED\xA0\x80", "\xED\xAD\xBF", "\xED\xAE\x80", "\xED\xAF\xBF"} {
		for _, low := range []string{"\xED\xB0\x80", "\xED\xBF\xBF"} {
			all = append(all, high+low)
		}
	}
	return all
}

// nonCharacters are U+1FFFE, U+1FFFF, and so on up to U+10FFFF.
func nonCharacters() []string {
	var all []string
	for plane := rune(1); plane <= 16; plane++ {
		all = append(all, string(plane<<16|0xFFFE), string(plane<<16|0xFFFF))
	}
	return all
}
