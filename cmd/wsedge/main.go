package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
)

// The exit statuses.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
)

// command is one of the program's commands.
type command struct {
	name    string
	summary string
	run     func(e *environment, args []string) int
	serves  bool // until it is told to end
}

var commands = []command{
	{"serve", "run the push server", serve, true},
	{"check", "check a configuration file", check, false},
	{"init", "write a configuration file to begin with", initialize, false},
	{"echo", "run a plain echo server", runEcho, true},
	{"token", "make a token for a client, or explain one", token, false},
	{"doctor", "say what this machine allows", examine, false},
	{"plan", "say how many machines a load needs", plan, false},
	{"health", "ask a running server whether it is well", health, false},
	{"version", "say which version this is", printVersion, false},
}

// environment is what the program takes from the process it runs in.
type environment struct {
	stdout, stderr io.Writer
	lookup         func(string) (string, bool) // of environment variables
}

// fail says what went wrong and returns the exit status.
func (e *environment) fail(err error, status int) int {
	fmt.Fprintf(e.stderr, "wsedge: %v\n", err)
	return status
}

func main() {
	if len(os.Args) > 1 && slices.ContainsFunc(commands, func(c command) bool { return c.serves && c.name == os.Args[1] }) {
		calmMonitor()
	}
	os.Exit(run(&environment{os.Stdout, os.Stderr, os.LookupEnv}, os.Args[1:]))
}

func run(e *environment, args []string) int {
	if len(args) == 0 {
		usage(e.stderr)
		return exitUsage
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		return help(e, args[1:])
	}
	if c := commandNamed(args[0]); c != nil {
		return c.run(e, args[1:])
	}
	fmt.Fprintf(e.stderr, "wsedge: there is no command %q; see wsedge help\n", args[0])
	return exitUsage
}

// exitStatus is that of a command whose flags could not be read. The flag package has said why already.
func exitStatus(err error) int {
	if errors.Is(err, flag.ErrHelp) {
		return exitOK
	}
	return exitUsage
}
