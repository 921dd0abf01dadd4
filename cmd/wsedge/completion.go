package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
)

// completed is what a shell knows of a command.
type completed struct {
	name, summary string
	words         []string // that may stand as its first argument
	options       []option
}

// option is a flag as a shell knows it.
type option struct {
	name, about string
	takes       string // what its value is called; "": it takes none
	file        bool   // the value names a file, or a directory
}

// shells write what has a shell complete command lines.
var shells = map[string]func(w io.Writer, all []completed){"bash": completeBash, "zsh": completeZsh, "fish": completeFish}

// words are the first arguments of commands that take only some.
var words = map[string][]string{"completion": {"bash", "fish", "zsh"}, "token": {"explain"}}

// completion is the command completion.
func completion(e *environment, args []string) int {
	flags := newArguments(e, "completion", "bash|zsh|fish",
		"completion writes what has a shell complete wsedge's commands and flags: into this shell, or, put into a file, into all to come.",
		"source <(wsedge completion bash)\nwsedge completion bash > ~/.local/share/bash-completion/completions/wsedge\nwsedge completion zsh > \"${fpath[1]}/_wsedge\"\nwsedge completion fish > ~/.config/fish/completions/wsedge.fish")
	arguments, err := parseArguments(e, flags, args, 1, 1)
	if err != nil {
		return exitStatus(err)
	}
	write := shells[arguments[0]]
	if write == nil {
		return e.fail(fmt.Errorf("%q: want bash, zsh or fish", arguments[0]), exitUsage)
	}
	all, err := completions()
	if err != nil {
		return e.fail(err, exitFailure)
	}
	write(e.stdout, all)
	return exitOK
}

// taken takes the flags of a command that is asked for its help.
type taken struct{ flags *flag.FlagSet }

func (t *taken) take(flags *flag.FlagSet) { t.flags = flags }

// Write implements io.Writer: text is not wanted.
func (*taken) Write(b []byte) (int, error) { return len(b), nil }

// completions asks each command for its flags, as help would.
func completions() (all []completed, err error) {
	for _, g := range groups() {
		for _, c := range g.commands {
			one := completed{name: c.name, summary: c.summary, words: words[c.name]}
			if c.name == "help" {
				for _, g := range groups() {
					for _, c := range g.commands {
						one.words = append(one.words, c.name)
					}
				}
			}
			if one.options, err = optionsOf(&c); err != nil {
				return nil, err
			}
			all = append(all, one)
		}
	}
	return all, nil
}

func optionsOf(c *command) (options []option, err error) {
	var t taken
	c.run(&environment{&t, io.Discard, func(string) (string, bool) { return "", false }}, []string{"--help"})
	if t.flags == nil {
		return nil, errors.New("the command " + c.name + " does not tell its flags")
	}
	t.flags.VisitAll(func(f *flag.Flag) {
		kind, about := flag.UnquoteUsage(f)
		for _, behind := range []string{" (", ";", ":"} { // a line has room for what comes first
			about, _, _ = strings.Cut(about, behind)
		}
		options = append(options, option{name: f.Name, about: about, takes: kind, file: kind == "file" || kind == "directory"})
	})
	return options, nil
}
