package config

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Sample is the file that wsedge init writes: every option with what it means, commented out but for those that a server must
// have. values are, by path, what is written into it.
func Sample(values map[string]string) []byte {
	var b strings.Builder
	b.WriteString(sampleHead)
	for _, s := range sections {
		if s.path == "namespaces.named" {
			b.WriteString(sampleNamed)
			continue
		}
		s.writeSample(&b, values)
	}
	return []byte(b.String())
}

// writeSample writes a section. Of a list it writes one member, which begins with what is set.
func (s *section) writeSample(b *strings.Builder, values map[string]string) {
	indent := strings.Repeat("  ", strings.Count(s.path, "."))
	b.WriteByte('\n')
	comment(b, indent, s.doc)
	fmt.Fprintf(b, "%s%s:\n", indent, s.path[strings.LastIndexByte(s.path, '.')+1:])
	var set, unset []*Option
	for i := range Options {
		o := &Options[i]
		_, ok := values[o.Path]
		switch {
		case !o.below(s.path):
		case ok && o.inList():
			set = append(set, o)
		default:
			unset = append(unset, o)
		}
	}
	before := ""
	for i, o := range append(set, unset...) {
		if o.inList() {
			before = "  "
			if i == 0 {
				before = "- "
			}
		}
		o.writeSample(b, indent+"  ", before, values)
	}
}

// writeSample writes an option: set if values has it, or else commented out.
func (o *Option) writeSample(b *strings.Builder, indent, before string, values map[string]string) {
	about := o.Doc
	if o.Danger != "" {
		about += " Danger: " + o.Danger + "."
	}
	comment(b, indent, about)
	if value, ok := values[o.Path]; ok {
		fmt.Fprintf(b, "%s%s%s: %s\n", indent, before, o.key(), value)
		return
	}
	b.WriteString(strings.TrimRight(indent+"# "+before+o.key()+": "+o.Default, " ") + "\n")
}

// comment writes a text in lines of up to 110 columns.
func comment(b *strings.Builder, indent, text string) {
	const columns = 110
	line := indent + "#"
	for word := range strings.FieldsSeq(text) {
		if utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > columns {
			b.WriteString(line + "\n")
			line = indent + "#"
		}
		line += " " + word
	}
	b.WriteString(line + "\n")
}

const sampleHead = `# yaml-language-server: $schema=https://raw.githubusercontent.com/wsedge/wsedge/main/docs/wsedge.schema.json
#
# Configuration of wsedge. What is commented out shows its default.
#
#   wsedge check --config wsedge.yaml    tells what is wrong with it
#   wsedge serve --config wsedge.yaml    runs the server; SIGHUP has it read the file again
#
# The environment (WSEDGE_MAX_CONNS) and flags (--max-conns) count before what stands here.
`

const sampleNamed = `
  # Namespaces by name, which is the part of a channel's name before its first colon. Each has the keys of default
  # above, and none of its values.
  named:
    # Rooms of a chat, chat:1, chat:lobby: everybody who has logged in.
    # chat:
    #   subscribe: authenticated
    #   publish: authenticated
    #   history_size: 100
    #   history_age: 10m
    #   recover: true
    # Orders, order:7: users get again what they have not acknowledged.
    # order:
    #   subscribe: token
    #   history_size: 1000
    #   history_age: 24h
    #   ack: true
    # Prices, price:ACME: everybody may watch, the backend publishes, who is slow gets the newest only.
    # price:
    #   subscribe: anyone
    #   slow: keep-latest
`
