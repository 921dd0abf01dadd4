package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// parseFlags reads flags on either side of the other arguments, which it returns. All that is wrong is told together, flag by
// flag. It returns flag.ErrHelp where help was asked for, whatever else there is.
func parseFlags(set *flag.FlagSet, args []string) (rest []string, err error) {
	set.SetOutput(io.Discard) // errors are returned
	var problems []error
	args, needy := flagsFirst(set, args)
	if needy != "" {
		problems = append(problems, fmt.Errorf("%s needs a value", needy))
	}
	for {
		err := set.Parse(args)
		if err == nil {
			break
		}
		if errors.Is(err, flag.ErrHelp) {
			return nil, err
		}
		problems = append(problems, flagProblem(set, err))
		args = set.Args()
		if strings.HasPrefix(err.Error(), "bad flag syntax") { // package flag stops in front of it
			args = args[1:]
		}
	}
	return set.Args(), errors.Join(append(problems, zeroProblems(set)...)...)
}

// oneArgument is the only argument besides flags.
func oneArgument(command, what string, set *flag.FlagSet, args []string) (string, error) {
	rest, err := parseFlags(set, args)
	if errors.Is(err, flag.ErrHelp) {
		return "", err
	}
	if len(rest) != 1 && (err == nil || len(rest) == 0) {
		err = errors.Join(err, fmt.Errorf("want one %s, not %d arguments", what, len(rest)))
	}
	if err != nil {
		return "", fmt.Errorf("%w\n(see wsload %s --help)", err, command)
	}
	return rest[0], nil
}

var (
	flagValue   = regexp.MustCompile(`(?s)^invalid (?:boolean )?value ("(?:[^"\\]|\\.)*") for (?:flag )?-([\w-]+): (.*)$`)
	flagBoolean = regexp.MustCompile(`^invalid boolean flag ([\w-]+): (.*)$`)
	flagUnknown = regexp.MustCompile(`^flag provided but not defined: -(.*)$`)
)

// flagProblem says in our words what package flag says in its own.
func flagProblem(set *flag.FlagSet, err error) error {
	text := err.Error()
	if m := flagUnknown.FindStringSubmatch(text); m != nil {
		return fmt.Errorf("unknown flag --%s", m[1])
	}
	if m := flagBoolean.FindStringSubmatch(text); m != nil {
		return fmt.Errorf("--%s: %s", m[1], m[2])
	}
	m := flagValue.FindStringSubmatch(text)
	if m == nil {
		return err
	}
	value, name, reason := m[1], m[2], m[3]
	if reason == "parse error" {
		reason = "want " + wantedBy(set.Lookup(name))
	}
	_, whatever := set.Lookup(name).Value.(refused)
	if bare := strings.Trim(value, `"`); whatever || strings.Contains(reason, value) || len(bare) > 3 && strings.Contains(reason, bare) {
		return fmt.Errorf("--%s: %s", name, reason)
	}
	return fmt.Errorf("--%s %s: %s", name, value, reason)
}

// wantedBy is what a flag of package flag's own kinds takes.
func wantedBy(f *flag.Flag) string {
	switch kind, _ := flag.UnquoteUsage(f); kind {
	case "int", "uint":
		return "a whole number"
	case "float":
		return "a number"
	case "duration":
		return "a duration such as 10s or 500ms"
	default:
		return "true or false"
	}
}

// notZero are flags whose zero would silently be the default.
var notZero = []string{
	"conns", "duration", "drain", "setup-timeout", "connect-rate", "max-in-flight", "payload", "outstanding", "topics", "backoff",
}

func zeroProblems(set *flag.FlagSet) (problems []error) {
	set.Visit(func(f *flag.Flag) {
		if text := f.Value.String(); (text == "0" || text == "0s") && slices.Contains(notZero, f.Name) {
			problems = append(problems, fmt.Errorf("--%s must be more than 0", f.Name))
		}
	})
	return problems
}

// refused is the value of a flag that makes no sense with a command, though it does with those like it. Help leaves it out.
type refused struct {
	why     string
	boolean bool
}

// String is for package flag.
func (r refused) String() string { return "" }

// Set refuses every value.
func (r refused) Set(string) error { return errors.New(r.why) }

// IsBoolFlag is that of the flag whose place it takes.
func (r refused) IsBoolFlag() bool { return r.boolean }

// refuse keeps flags from being given.
func refuse(set *flag.FlagSet, why string, names ...string) {
	for _, name := range names {
		f := set.Lookup(name)
		f.Value = refused{why, isBoolean(f)}
	}
}

// complain says what went wrong with a command; of several problems, each has a line of its own.
func complain(stderr io.Writer, command string, err error) {
	text := err.Error()
	if strings.Contains(text, "\n") {
		text = "\n  " + strings.ReplaceAll(text, "\n", "\n  ")
	} else {
		text = " " + text
	}
	fmt.Fprintf(stderr, "wsload %s:%s\n", command, text)
}
