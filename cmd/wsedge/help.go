package main

import (
	"fmt"
	"io"
)

// group is some of the commands, as help lists them.
type group struct {
	title    string
	commands []command
}

// groups are all commands.
func groups() []group {
	return []group{{"Run a server", commands}, {"Ask a server", apiCommands}, {"About this program", ownCommands}}
}

// ownCommands are about the commands, and so can't be in a table that they refer to when it is made.
var ownCommands []command

func init() {
	ownCommands = []command{
		{"completion", "write what has a shell complete command lines", completion, false},
		{"help", "say what there is, or what a command takes", help, false},
	}
}

// commandNamed finds a command; nil: there is none.
func commandNamed(name string) *command {
	for _, g := range groups() {
		for i := range g.commands {
			if g.commands[i].name == name {
				return &g.commands[i]
			}
		}
	}
	return nil
}

// help is the command help.
func help(e *environment, args []string) int {
	if len(args) > 0 {
		if c := commandNamed(args[0]); c != nil && c.name != "help" {
			return c.run(e, append(args[1:len(args):len(args)], "--help"))
		}
	}
	flags := newArguments(e, "help", "[COMMAND]", "help lists the commands, or says what one of them takes.", "wsedge help publish")
	names, err := parseArguments(e, flags, args, 0, 1)
	switch {
	case err != nil:
		return exitStatus(err)
	case len(names) > 0 && names[0] != "help":
		return e.fail(fmt.Errorf("there is no command %q; see wsedge help", names[0]), exitUsage)
	case len(names) > 0:
		flags.SetOutput(e.stdout)
		flags.Usage()
		return exitOK
	}
	usage(e.stdout)
	return exitOK
}

func usage(w io.Writer) {
	fmt.Fprint(w, "wsedge is an edge push server: publish once, reach every live WebSocket connection.\n")
	for _, g := range groups() {
		fmt.Fprintf(w, "\n%s:\n\n", g.title)
		for _, c := range g.commands {
			fmt.Fprintf(w, "  wsedge %-11s %s\n", c.name, c.summary)
		}
	}
	fmt.Fprint(w, `
wsedge <command> --help lists a command's flags. Each flag can be set in the environment, too: --ping-interval is
WSEDGE_PING_INTERVAL. What stands on the command line wins.

Try it, in three terminals:

  wsedge serve
  wsedge tail news
  wsedge publish news '{"title":"hello"}'
`)
}
