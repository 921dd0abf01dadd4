package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/wsedge/wsedge/loadtest"
)

// runFile runs the phases of a scenario file, or only reads it.
func runFile(command string, args []string, stdout, stderr io.Writer) int {
	opts, err := parseRun(command, args, stdout)
	if command == "check" && err == nil {
		if err = opts.config.Check(); err == nil {
			fmt.Fprintf(stdout, "%s: %d phases, %v in all\n", opts.config.Name, len(opts.config.Phases), opts.config.Length())
			return exitOK
		}
	}
	return opts.report(command, loadtest.Run, err, stdout, stderr)
}

// parseRun reads the arguments, the file among them, and the file. It returns flag.ErrHelp after having printed the help.
func parseRun(command string, args []string, stdout io.Writer) (*options, error) {
	o := &options{}
	set := newRunFlags(o)
	// First for the file's name; the flags count when they are read over what the file says.
	name, err := oneArgument(command, "scenario file", set, args)
	if err != nil {
		if errors.Is(err, flag.ErrHelp) {
			printHelp(stdout, shapeHelp[command], set)
		}
		return nil, err
	}
	given := len(o.config.Agents) > 0
	o = &options{}
	set = newRunFlags(o)
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	o.config.Name = strings.TrimSuffix(filepath.Base(name), filepath.Ext(name))
	if err := readScenario(text, filepath.Dir(name), o); err != nil {
		return nil, fmt.Errorf("%s:\n%w", name, err)
	}
	if given {
		o.config.Agents = nil
	}
	_, err = parseFlags(set, args)
	return o, errors.Join(err, o.readToken())
}

// newRunFlags are those of a fan-out, but for what phases settle.
func newRunFlags(o *options) *flag.FlagSet {
	o.config.Scenario = loadtest.Fanout
	set := flag.NewFlagSet("run", flag.ContinueOnError)
	o.addCommon(set)
	o.addFanout(set)
	o.addRetry(set)
	o.addMessages(set)
	o.addTransport(set)
	o.addAgents(set)
	set.StringVar(&o.config.URL, "url", "", "server to connect to")
	refuse(set, "the phases of the file settle it", "duration", "warmup", "rate", "arrivals")
	return set
}

// readScenario reads a scenario file into options that have their defaults. Files that it names are looked for in dir. All that
// is wrong is reported together, with line numbers.
func readScenario(text []byte, dir string, o *options) error {
	root, err := parseYAML(text)
	if err != nil {
		return err
	}
	r := &scenarioReader{dir: dir, options: o}
	r.mapping(root, r.runKeys())
	if len(o.config.Phases) == 0 && len(r.problems) == 0 {
		r.complain(root, "there is no phase")
	}
	return r.err()
}
