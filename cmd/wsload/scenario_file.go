package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
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
	o = &options{}
	set = newRunFlags(o)
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	o.config.Name = strings.TrimSuffix(filepath.Base(name), filepath.Ext(name))
	if err := readScenario(text, &o.config); err != nil {
		return nil, fmt.Errorf("%s:\n%w", name, err)
	}
	_, err = parseFlags(set, args)
	return o, err
}

// newRunFlags are those of a fan-out, but for what phases settle.
func newRunFlags(o *options) *flag.FlagSet {
	o.config.Scenario = loadtest.Fanout
	set := flag.NewFlagSet("run", flag.ContinueOnError)
	o.addCommon(set)
	o.addFanout(set)
	o.addRetry(set)
	set.StringVar(&o.config.URL, "url", "", "server to connect to")
	refuse(set, "the phases of the file settle it", "duration", "warmup", "rate", "arrivals")
	return set
}

// readScenario reads a scenario file into a configuration that has its defaults. All that is wrong is reported together,
// with line numbers.
func readScenario(text []byte, c *loadtest.Config) error {
	root, err := parseYAML(text)
	if err != nil {
		return err
	}
	r := &yamlReader{}
	r.mapping(root, map[string]yamlField{
		"url":           {set: r.text(&c.URL), required: true},
		"name":          {set: r.text(&c.Name)},
		"conns":         {set: r.integer(&c.Conns)},
		"rate":          {set: r.value(func(s string) (err error) { c.Rate, err = parseRate(s); return err })},
		"payload":       {set: r.integer(&c.Payload)},
		"seed":          {set: r.value(func(s string) (err error) { c.Seed, err = strconv.ParseUint(s, 10, 64); return err })},
		"channel":       {set: r.text(&c.Channel)},
		"publish-url":   {set: r.text(&c.PublishURL)},
		"publishers":    {set: r.integer(&c.Publishers)},
		"outstanding":   {set: r.integer(&c.Outstanding)},
		"processes":     {set: r.integer(&c.Processes)},
		"threads":       {set: r.integer(&c.Threads)},
		"max-in-flight": {set: r.integer(&c.MaxInFlight)},
		"connect-rate":  {set: r.value(func(s string) (err error) { c.ConnectRate, err = parseRate(s); return err })},
		"setup-timeout": {set: r.duration(&c.SetupTimeout)},
		"settle":        {set: r.duration(&c.Settle)},
		"drain":         {set: r.duration(&c.Drain)},
		"backoff":       {set: r.duration(&c.Backoff)},
		"subscribe":     {set: r.negated(&c.NoSubscribe)},
		"retry":         {set: r.negated(&c.NoRetry)},
		"header": {set: r.each(r.value(func(s string) error {
			c.Header = append(c.Header, s)
			return nil
		}))},
		"expect": {set: r.each(r.value(func(s string) error {
			e, err := loadtest.ParseExpectation(s)
			c.Expect = append(c.Expect, e)
			return err
		}))},
		"phases": {set: r.each(func(n *yamlNode) { c.Phases = append(c.Phases, r.phase(n)) }), required: true},
	})
	if len(c.Phases) == 0 && len(r.problems) == 0 {
		r.complain(root, "there is no phase")
	}
	return r.err()
}

// phase reads one phase.
func (r *yamlReader) phase(n *yamlNode) (p loadtest.PhasePlan) {
	share := func(to *float64) func(*yamlNode) {
		return r.value(func(s string) (err error) { *to, err = parsePart(s); return err })
	}
	rate := func(to *float64) func(*yamlNode) {
		return r.value(func(s string) (err error) { *to, err = parseRate(s); return err })
	}
	r.mapping(n, map[string]yamlField{
		"name":          {set: r.text(&p.Name), required: true},
		"duration":      {set: r.duration(&p.Duration), required: true},
		"measured":      {set: r.negated(&p.Unmeasured)},
		"conns":         {set: r.value(func(s string) error { p.Conns = new(int); return parseInt(s, p.Conns) })},
		"rate":          {set: r.value(func(s string) (err error) { p.Rate, err = parseRamp(s); return err })},
		"arrivals":      {set: r.value(func(s string) (err error) { p.Arrivals, err = loadtest.ParseArrivals(s); return err })},
		"churn":         {set: rate(&p.Churn)},
		"churn-random":  {set: r.boolean(&p.ChurnRandom)},
		"drop":          {set: share(&p.Drop)},
		"drop-by":       {set: r.value(func(s string) error { p.DropBy = loadtest.DropKind(s); return nil })},
		"return-after":  {set: r.duration(&p.ReturnAfter)},
		"return-rate":   {set: rate(&p.ReturnRate)},
		"return-jitter": {set: r.duration(&p.ReturnJitter)},
		"slow":          {set: share(&p.Slow)},
		"trickle":       {set: r.value(func(s string) (err error) { p.Trickle, err = parseByteRate(s); return err })},
	})
	return p
}

// parseRamp reads a rate, or a ramp such as 10..1000/s.
func parseRamp(text string) (*loadtest.Ramp, error) {
	from, to, isRamp := strings.Cut(text, "..")
	first, err := parseRate(from)
	if err != nil || !isRamp {
		return &loadtest.Ramp{From: first, To: first}, err
	}
	last, err := parseRate(to)
	return &loadtest.Ramp{From: first, To: last}, err
}
