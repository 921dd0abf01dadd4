package config

import (
	"fmt"
	"strings"
)

// Reference is the page docs/CONFIGURATION.md.
func Reference() []byte {
	var b strings.Builder
	b.WriteString(referenceHead)
	for _, s := range sections {
		fmt.Fprintf(&b, "\n## `%s`\n\n%s\n", s.path, s.doc)
		row := false
		for i := range Options {
			o := &Options[i]
			if !o.below(s.path) {
				continue
			}
			if !row {
				b.WriteString("\n| key | default | flag | | reload |\n|---|---|---|---|---|\n")
				row = true
			}
			o.writeRow(&b)
		}
	}
	return []byte(b.String())
}

func (o *Option) writeRow(b *strings.Builder) {
	code := func(text, before string) string {
		if text == "" {
			return ""
		}
		return "`" + before + text + "`"
	}
	about := o.Doc
	if o.Danger != "" {
		about += " **Danger:** " + o.Danger + "."
	}
	reload := ""
	if o.Reload {
		reload = "yes"
	}
	fmt.Fprintf(b, "| `%s` | %s | %s | %s | %s |\n", o.key(), code(o.Default, ""), code(o.Flag, "--"), strings.ReplaceAll(about, "|", `\|`), reload)
}

const referenceHead = `# Configuration

<!-- Made from internal/config/options.go: go test ./internal/config -run TestPages -update -->

*For whoever writes the configuration file.* ` + "`wsedge serve --config FILE`" + ` reads one YAML file. Without it no file is looked for, and the server is in development mode. ` + "`wsedge init`" + ` writes a
file to begin with, ` + "`wsedge check --config FILE`" + ` reports all that is wrong with one, by line, and ` + "`docs/wsedge.schema.json`" + ` lets editors help.

- What counts: the command line, before the environment (` + "`WSEDGE_` and the flag's name: `--max-conns` is `WSEDGE_MAX_CONNS`" + `), before the file.
- Unknown keys, keys that stand twice, and values of a wrong kind are errors. All are told at once.
- Sizes are numbers of bytes or have a unit: ` + "`65536`, `64KiB`, `1MB`" + `. Durations have one always: ` + "`500ms`, `10s`, `1h30m`" + `. A list with one member may be written without brackets.
- Names of files are relative to the configuration file's directory.
- With a file everything is closed until it is opened: see ` + "`namespaces`" + `.
- SIGHUP reads the file again. What says *yes* under *reload* changes at once, for channels and connections that are open, too; a change of anything else is
  named in the log, and needs a restart. A file with a mistake changes nothing.
`
