package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/wsedge/wsedge/loadtest"
	"github.com/wsedge/wsedge/loadtest/show"
)

const searchHelp = `Usage: wsload search URL --goal CONDITION --over rate|conns --from A --to B [flags]

Looks for the highest rate, or the most connections, at which all goals are met, nothing is lost and
the generator keeps up. It doubles from A until a step fails, and then halves what lies between on a
logarithmic scale. Each step is a run of its own, with fresh connections; one that fails is repeated
once, and that decides. Where the generator was the bottleneck, the limit found is its own, not the
server's: the result says so, and the exit status is 4. With --accept-invalid such steps are judged by
their goals, and the limit is that of both together.

Examples:
  wsload search ws://127.0.0.1:8080/ws --conns 1000 --duration 5s \
    --over rate --from 10 --to 10000 --goal 'p99<50ms'
  wsload search ws://127.0.0.1:8080/ws --rate 1 --over conns --from 1000 --to 100000 --goal 'p99<100ms'

Exit status: 0 the limit was found, or all values passed; 1 interrupted, or a run could not be made;
2 usage; 3 not even A passed; 4 the generator was the bottleneck.
`

const curveHelp = `Usage: wsload curve URL --over rate|conns [flags]

Makes one run per point and shows latency and throughput over the rate, or the connections: a table,
and with --html a page with the curve. With --to, the points lie evenly on a logarithmic scale from
--from to there. Without, values double until the server is saturated (something was lost, less than
95 % arrived in time, or p99 was ten times that of the lowest point and more than 10 ms), and the rest
of the points goes to where that begins.

Example:
  wsload curve ws://127.0.0.1:8080/ws --conns 1000 --duration 5s --over rate --points 10 --html curve.html

Exit status: 0 there is a curve, whatever it shows; 1 interrupted, or a run could not be made; 2 usage.
`

// sweepOptions are what a search and a curve have in common, and what is one's alone.
type sweepOptions struct {
	options
	over      loadtest.Axis
	from, to  float64
	pause     time.Duration
	goals     []loadtest.Expectation
	precision float64
	rounds    int
	confirm   bool
	points    int
}

func (o *sweepOptions) addSweep(set *flag.FlagSet) {
	o.addScenario(set)
	o.addCommon(set)
	o.addTransport(set)
	o.addFanout(set)
	o.addMessages(set)
	o.addAgents(set)
	o.over = loadtest.OverRate
	set.Func("over", "`AXIS` to vary: rate or conns (default rate)", func(text string) error {
		o.over = loadtest.Axis(text)
		return nil
	})
	set.Float64Var(&o.from, "from", 0, "lowest value")
	set.Float64Var(&o.to, "to", 0, "highest value")
	set.DurationVar(&o.pause, "pause", time.Second, "between two runs, for the server to get rid of the last one's connections")
}

func (o *sweepOptions) addSearch(set *flag.FlagSet) {
	o.precision, o.rounds = 0.05, 1
	set.Func("goal", "`CONDITION` such as 'p99<50ms', on any number of a run's JSON; may be repeated", func(text string) error {
		goal, err := loadtest.ParseExpectation(text)
		o.goals = append(o.goals, goal)
		return err
	})
	set.Func("precision", "`SHARE` of the limit that is near enough (default 5%)", func(text string) (err error) {
		o.precision, err = parseShare(text)
		return err
	})
	set.IntVar(&o.rounds, "rounds", 1, "runs that decide about a value, by their majority")
	set.BoolVar(&o.confirm, "confirm", true, "repeat what fails once, to tell a hiccup from a limit")
}

// parseShare reads 5% or 0.05.
func parseShare(text string) (float64, error) {
	number, percent := strings.CutSuffix(text, "%")
	v, err := strconv.ParseFloat(number, 64)
	if err != nil || math.IsNaN(v) {
		return 0, errors.New("want a share such as 5%")
	}
	if percent {
		v /= 100
	}
	return v, nil
}

// parseSweep reads the arguments of "wsload search" or "wsload curve".
func parseSweep(name, help string, args []string, stdout io.Writer) (*sweepOptions, error) {
	opts, set := &sweepOptions{}, flag.NewFlagSet(name, flag.ContinueOnError)
	opts.addSweep(set)
	if name == "search" {
		opts.addSearch(set)
	} else {
		set.IntVar(&opts.points, "points", 10, "number of runs")
		refuse(set, "a curve says of each point whether the generator was its bottleneck", "accept-invalid")
	}
	refuse(set, "it is for one run", "prometheus")
	refuse(set, "it is of one run: give --goal to wsload search", "expect")
	var err error
	if opts.config.URL, err = oneArgument(name, "URL", set, args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprint(stdout, help)
			printFlags(stdout, set)
		}
		return nil, err
	}
	if strings.HasSuffix(opts.config.URL, ".yaml") || strings.HasSuffix(opts.config.URL, ".yml") {
		return nil, fmt.Errorf("want a URL: the phases of a scenario file have rates and connections of their own, so that there is nothing for a %s to vary", name)
	}
	return opts, errors.Join(opts.needsRate(set), opts.files.check(), opts.readToken())
}

// tell prints steps as they come.
func (o *sweepOptions) tell(stderr io.Writer) func(loadtest.Step) {
	if o.quiet {
		return nil
	}
	return func(s loadtest.Step) { fmt.Fprintf(stderr, "  %s\n", s.Line(o.over)) }
}

func runSearch(args []string, stdout, stderr io.Writer) int {
	opts, err := parseSweep("search", searchHelp, args, stdout)
	if err != nil {
		return failed("search", err, exitUsage, stderr)
	}
	ctx, stop := interruptible(stderr)
	defer stop()
	result, err := loadtest.Search(ctx, loadtest.SearchConfig{
		Config: opts.config, Over: opts.over, From: opts.from, To: opts.to, Precision: opts.precision, Rounds: opts.rounds,
		NoConfirm: !opts.confirm, Goals: opts.goals, AcceptInvalid: opts.acceptInvalid, Pause: opts.pause, Told: opts.tell(stderr),
	})
	if result != nil {
		err = errors.Join(err, result.WriteText(stdout), opts.files.write(resultWriters{
			json: result.WriteJSON,
			csv:  func(w io.Writer) error { return show.WriteStepsCSV(w, result.Over, result.Steps) },
			html: func(w io.Writer) error { return show.WriteSearchHTML(w, result) },
		}))
	}
	if err != nil {
		return failed("search", err, exitFailed, stderr)
	}
	return searchExit(result)
}

func searchExit(result *loadtest.SearchResult) int {
	switch {
	case result.LimitedBy == loadtest.CauseGenerator && result.Outcome != loadtest.SearchUnfinished:
		return exitInvalid
	case result.Outcome == loadtest.SearchNever:
		return exitUnexpected
	case result.Outcome == loadtest.SearchUnfinished:
		return exitFailed
	default:
		return exitOK
	}
}

func runCurve(args []string, stdout, stderr io.Writer) int {
	opts, err := parseSweep("curve", curveHelp, args, stdout)
	if err != nil {
		return failed("curve", err, exitUsage, stderr)
	}
	ctx, stop := interruptible(stderr)
	defer stop()
	curve, err := loadtest.RunCurve(ctx, loadtest.CurveConfig{
		Config: opts.config, Over: opts.over, Points: opts.points, From: opts.from, To: opts.to, Pause: opts.pause,
		Told: opts.tell(stderr),
	})
	if curve != nil {
		err = errors.Join(err, curve.WriteText(stdout), opts.files.write(resultWriters{
			json: curve.WriteJSON,
			csv:  func(w io.Writer) error { return show.WriteStepsCSV(w, curve.Over, curve.Points) },
			html: func(w io.Writer) error { return show.WriteCurveHTML(w, curve) },
		}))
	}
	if err != nil {
		return failed("curve", err, exitFailed, stderr)
	}
	if curve.Interrupted {
		return exitFailed
	}
	return exitOK
}

// failed says what went wrong, and returns the exit status: code, unless the error tells better. Help that was asked for is no
// failure.
func failed(name string, err error, code int, stderr io.Writer) int {
	if errors.Is(err, flag.ErrHelp) {
		return exitOK
	}
	complain(stderr, name, err)
	if errors.Is(err, loadtest.ErrUsage) {
		return exitUsage
	}
	return code
}
