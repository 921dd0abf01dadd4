package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
)

// newFlags makes a command's set of flags. about and example stand in its help.
func newFlags(e *environment, name, about, example string) *flag.FlagSet {
	return newArguments(e, name, "", about, example)
}

// newArguments makes the flags of a command that takes other arguments, too: what they are stands in its help.
func newArguments(e *environment, name, arguments, about, example string) *flag.FlagSet {
	flags := flag.NewFlagSet("wsedge "+name, flag.ContinueOnError)
	flags.SetOutput(e.stderr)
	flags.Usage = func() {
		w := flags.Output()
		if taker, ok := w.(flagTaker); ok {
			taker.take(flags)
			return
		}
		fmt.Fprintf(w, "%s\n\nUsage: wsedge %s [flags]\n", about, strings.TrimSpace(name+" "+arguments))
		if example != "" {
			fmt.Fprintf(w, "\nExample:\n\n  %s\n", strings.ReplaceAll(example, "\n", "\n  "))
		}
		fmt.Fprint(w, "\nFlags:\n\n")
		printFlags(w, flags)
	}
	return flags
}

// flagTaker is who asks for help and wants the flags themselves, instead of a text about them.
type flagTaker interface{ take(flags *flag.FlagSet) }

// printFlags lists the flags with two dashes, as they are written everywhere else.
func printFlags(w io.Writer, flags *flag.FlagSet) {
	none := true
	flags.VisitAll(func(f *flag.Flag) {
		none = false
		kind, about := flag.UnquoteUsage(f)
		fmt.Fprintf(w, "  %s\n        %s", strings.TrimSpace("--"+f.Name+" "+kind), about)
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "0" && f.DefValue != "0s" {
			fmt.Fprintf(w, " (default %s)", f.DefValue)
		}
		fmt.Fprintln(w)
	})
	if none {
		fmt.Fprintln(w, "  none")
	}
}

// parse reads the environment, then the command line. Help that was asked for goes to the standard output.
func parse(e *environment, flags *flag.FlagSet, args []string) error {
	if err := prepare(e, flags, args); err != nil {
		return err
	}
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(e.stderr, "wsedge: %q is too much; flags begin with --\n", flags.Arg(0))
		return errors.New("too many arguments")
	}
	return nil
}

// parseArguments is parse for commands that take least to most other arguments, among the flags or behind them; most < 0: any number. Behind -- nothing
// is a flag.
func parseArguments(e *environment, flags *flag.FlagSet, args []string, least, most int) (arguments []string, err error) {
	if err := prepare(e, flags, args); err != nil {
		return nil, err
	}
	before, behind := args, []string(nil)
	if i := slices.Index(args, "--"); i >= 0 {
		before, behind = args[:i], args[i+1:]
	}
	for {
		if err := flags.Parse(before); err != nil {
			return nil, err
		}
		if flags.NArg() == 0 {
			break
		}
		arguments, before = append(arguments, flags.Arg(0)), flags.Args()[1:]
	}
	arguments = append(arguments, behind...)
	switch n := len(arguments); {
	case n < least:
		err = errors.New("arguments are missing; see " + flags.Name() + " --help")
	case most >= 0 && n > most:
		err = fmt.Errorf("%q is too much; flags begin with --", arguments[most])
	}
	if err != nil {
		fmt.Fprintf(e.stderr, "wsedge: %v\n", err)
	}
	return arguments, err
}

// prepare reads the environment. Help that is asked for will go to the standard output.
func prepare(e *environment, flags *flag.FlagSet, args []string) error {
	if err := fromEnvironment(e, flags); err != nil {
		fmt.Fprintf(e.stderr, "wsedge: %v\n", err)
		return err
	}
	for _, arg := range args {
		if arg == "-h" || arg == "-help" || arg == "--help" {
			flags.SetOutput(e.stdout)
			break
		}
		if arg == "--" {
			break
		}
	}
	return nil
}

// fromEnvironment sets the flags that have a variable: --ping-interval is WSEDGE_PING_INTERVAL. It reports all bad ones.
func fromEnvironment(e *environment, flags *flag.FlagSet) error {
	var problems []error
	flags.VisitAll(func(f *flag.Flag) {
		name := "WSEDGE_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		if value, ok := e.lookup(name); ok {
			if err := flags.Set(f.Name, value); err != nil {
				problems = append(problems, fmt.Errorf("%s: invalid value %q: %w", name, value, err))
			}
		}
	})
	presetLists(flags)
	return errors.Join(problems...)
}

// presetLists has what counts more replace the values that lists have so far.
func presetLists(flags *flag.FlagSet) {
	flags.VisitAll(func(f *flag.Flag) {
		if l, ok := f.Value.(*list); ok {
			l.preset = true
		}
	})
}

// logFormat is the flag --log-format.
type logFormat string

func (f *logFormat) String() string { return string(*f) }

// Set implements flag.Value.
func (f *logFormat) Set(s string) error {
	if s != "text" && s != "json" {
		return errors.New("want text or json")
	}
	*f = logFormat(s)
	return nil
}

// addLogFormat declares --log-format.
func addLogFormat(flags *flag.FlagSet) *logFormat {
	f := logFormat("text")
	flags.Var(&f, "log-format", "`format` of the log on the standard error: text or json")
	return &f
}

func (f *logFormat) logger(w io.Writer) *slog.Logger {
	if *f == "json" {
		return slog.New(slog.NewJSONHandler(w, nil))
	}
	return slog.New(slog.NewTextHandler(w, nil))
}
