package main

import (
	"fmt"
	"io"
	"strings"
)

// completeBash writes a function for bash, from version 3.2 on (macOS), without help of the package bash-completion.
func completeBash(w io.Writer, all []completed) {
	var names []string
	for _, c := range all {
		names = append(names, c.name)
	}
	fmt.Fprintf(w, `# Completion of wsedge for bash: source <(wsedge completion bash)
_wsedge() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} words= flags= files= values=
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W '%s' -- "$cur"))
    return
  fi
  if [[ $cur == '=' ]]; then cur=
  elif [[ $prev == '=' ]]; then prev=${COMP_WORDS[COMP_CWORD-2]}
  fi
  case ${COMP_WORDS[1]} in
`, strings.Join(names, " "))
	for _, c := range all {
		flags, files, values := "--help", "", ""
		for _, o := range c.options {
			flags += " --" + o.name
			switch {
			case o.file:
				files += " --" + o.name
			case o.takes != "":
				values += " --" + o.name
			}
		}
		fmt.Fprintf(w, "    %s) words='%s' flags='%s' files='%s ' values='%s ' ;;\n", c.name, strings.Join(c.words, " "), flags, files, values)
	}
	fmt.Fprint(w, `  esac
  if [[ $files == *" $prev "* ]]; then
    local IFS=$'\n'
    COMPREPLY=($(compgen -f -- "$cur"))
    compopt -o filenames 2>/dev/null
  elif [[ $values == *" $prev "* ]]; then
    return
  elif [[ $cur == -* ]]; then
    COMPREPLY=($(compgen -W "$flags" -- "$cur"))
  elif ((COMP_CWORD == 2)); then
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
  fi
}
complete -F _wsedge wsedge
`)
}

// completeZsh writes a function for zsh, to be sourced or found as _wsedge.
func completeZsh(w io.Writer, all []completed) {
	fmt.Fprint(w, "#compdef wsedge\n# Completion of wsedge for zsh: source <(wsedge completion zsh), or as _wsedge in a directory of $fpath\n_wsedge() {\n  if (( CURRENT == 2 )); then\n    local -a commands=(\n")
	for _, c := range all {
		fmt.Fprintf(w, "      %s\n", singleQuoted(c.name+":"+c.summary))
	}
	fmt.Fprint(w, "    )\n    _describe command commands\n    return\n  fi\n  local command=$words[2]\n  (( CURRENT-- ))\n  shift words\n  case $command in\n")
	inBrackets := strings.NewReplacer(`\`, `\\`, `[`, `\[`, `]`, `\]`)
	for _, c := range all {
		fmt.Fprintf(w, "    %s) _arguments '--help[say what the command takes]'", c.name)
		if len(c.words) > 0 {
			fmt.Fprintf(w, " %s", singleQuoted("1:argument:("+strings.Join(c.words, " ")+")"))
		} else {
			fmt.Fprint(w, " '*:argument:()'") // names of channels and data, which are the caller's own
		}
		for _, o := range c.options {
			spec := "--" + o.name
			if o.takes != "" {
				spec += "="
			}
			spec += "[" + inBrackets.Replace(o.about) + "]"
			switch {
			case o.file:
				spec += ":file:_files"
			case o.takes != "":
				spec += ":" + strings.ReplaceAll(o.takes, ":", `\:`) + ": "
			}
			fmt.Fprintf(w, " \\\n        %s", singleQuoted(spec))
		}
		fmt.Fprint(w, " ;;\n")
	}
	fmt.Fprint(w, "  esac\n}\nif [[ $funcstack[1] == _wsedge ]]; then _wsedge \"$@\"; else compdef _wsedge wsedge; fi\n")
}

// completeFish writes commands for fish.
func completeFish(w io.Writer, all []completed) {
	fmt.Fprint(w, "# Completion of wsedge for fish: wsedge completion fish | source\ncomplete -c wsedge -f\n")
	for _, c := range all {
		fmt.Fprintf(w, "complete -c wsedge -n __fish_use_subcommand -a %s -d %s\n", c.name, fishQuoted(c.summary))
		seen := fishQuoted("__fish_seen_subcommand_from " + c.name)
		if len(c.words) > 0 {
			fmt.Fprintf(w, "complete -c wsedge -n %s -a %s\n", seen, fishQuoted(strings.Join(c.words, " ")))
		}
		fmt.Fprintf(w, "complete -c wsedge -n %s -l help -d 'say what the command takes'\n", seen)
		for _, o := range c.options {
			takes := ""
			switch {
			case o.file:
				takes = " -r -F"
			case o.takes != "":
				takes = " -x"
			}
			fmt.Fprintf(w, "complete -c wsedge -n %s -l %s%s -d %s\n", seen, o.name, takes, fishQuoted(o.about))
		}
	}
}

// singleQuoted writes a word as bash and zsh take it.
func singleQuoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// fishQuoted writes a word as fish takes it.
func fishQuoted(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}
