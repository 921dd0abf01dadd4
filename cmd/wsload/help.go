package main

import (
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// flagGroups are the headings of a command's help, and the flags below each in the order that they are told in.
var flagGroups = []struct {
	title string
	names []string
}{
	{"Agent", []string{"listen", "token-file", "allow-target"}},
	{"What is varied", []string{"over", "from", "to", "goal", "points", "precision", "rounds", "confirm", "pause"}},
	{"Connections", []string{
		"url", "conns", "scenario", "connect-rate", "max-in-flight", "setup-timeout", "source", "also", "header", "no-subscribe", "stalled", "retry",
		"backoff", "processes", "threads",
	}},
	{"Connections that end and come back", []string{"churn", "churn-random", "drop", "drop-by", "return-after", "return-rate", "return-jitter", "recover", "ticket", "connect-token"}},
	{"Slow connections", []string{"slow", "trickle"}},
	{"Messages", []string{
		"rate", "arrivals", "seed", "payload", "outstanding", "channel", "protocol", "publish-url", "publish-by", "publishers", "raw",
	}},
	{"Topics", []string{"topics", "topic-sizes", "topic-rates"}},
	{"Times", []string{"settle", "warmup", "duration", "drain"}},
	{"What is measured of the server", []string{"pid", "metrics"}},
	{"What has to be so", []string{"expect", "accept-invalid"}},
	{"TLS and compression", []string{
		"ca", "server-name", "insecure", "cert", "key", "tls-version", "resume", "tls-standard", "deflate",
	}},
	{"Agents (connections on other machines)", []string{"agents", "agent-token-file", "with-local"}},
	{"The floor (what the kernel takes)", []string{"floor", "floor-rounds", "floor-threads", "floor-processes"}},
	{"Outputs", []string{"json", "html", "csv", "prometheus", "plain", "quiet"}},
}

// otherFlags is the heading of flags that have none.
const otherFlags = "Other"

// Widths of the help, in columns.
const (
	helpWidth  = 100
	helpIndent = 28
)

// printFlags lists the flags of a command, below headings.
func printFlags(w io.Writer, set *flag.FlagSet) {
	told := map[string]bool{}
	for _, group := range flagGroups {
		printGroup(w, group.title, set, group.names, told)
	}
	var others []string
	set.VisitAll(func(f *flag.Flag) {
		if !told[f.Name] {
			others = append(others, f.Name)
		}
	})
	printGroup(w, otherFlags, set, others, told)
}

func printGroup(w io.Writer, title string, set *flag.FlagSet, names []string, told map[string]bool) {
	headed := false
	for _, name := range names {
		f := set.Lookup(name)
		if f == nil {
			continue
		}
		told[name] = true
		if _, no := f.Value.(refused); no {
			continue
		}
		if !headed {
			fmt.Fprintf(w, "\n%s:\n", title)
			headed = true
		}
		printFlag(w, f)
	}
}

// printFlag says what a flag is for beside its name, or below where the name is long.
func printFlag(w io.Writer, f *flag.Flag) {
	kind, usage := flag.UnquoteUsage(f)
	left := "  --" + f.Name
	if kind = valueName(kind); kind != "" {
		left += " " + kind
	}
	if !slices.Contains([]string{"", "0", "0s", "false"}, f.DefValue) {
		usage += fmt.Sprintf(" (default %s)", f.DefValue)
	}
	lines := wrap(usage, helpWidth-helpIndent)
	if utf8.RuneCountInString(left) > helpIndent-2 {
		fmt.Fprintln(w, left)
		left = ""
	}
	for _, line := range lines {
		fmt.Fprintf(w, "%-*s%s\n", helpIndent, left, line)
		left = ""
	}
}

// valueName is what stands for the value of a flag whose usage names it not.
func valueName(kind string) string {
	switch kind {
	case "int", "uint", "float":
		return "N"
	case "duration":
		return "TIME"
	case "string", "value":
		return "TEXT"
	default:
		return kind
	}
}

// wrap breaks a text into lines of so many columns at most.
func wrap(text string, columns int) (lines []string) {
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > columns {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
