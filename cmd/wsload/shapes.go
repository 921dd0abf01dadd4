package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/wsedge/wsedge/loadtest"
)

// shapeOptions is the command line of a scenario that is a list of phases.
type shapeOptions struct {
	options
	shape loadtest.Shape
}

// runShape runs churn, storm, slow or mixed.
func runShape(name string, args []string, stdout, stderr io.Writer) int {
	opts, err := parseShape(name, args, stdout)
	return opts.report(name, loadtest.Run, err, stdout, stderr)
}

// parseShape reads the arguments behind the scenario's name. It returns flag.ErrHelp after having printed the help.
func parseShape(name string, args []string, stdout io.Writer) (*options, error) {
	o := &shapeOptions{options: options{config: loadtest.Config{Scenario: loadtest.Fanout, Name: name}}}
	set := flag.NewFlagSet(name, flag.ContinueOnError)
	o.addCommon(set)
	o.addFanout(set)
	o.addRetry(set)
	o.addMessages(set)
	o.addTransport(set)
	o.addAgents(set)
	s := &o.shape
	s.Name = name
	if name == "churn" || name == "mixed" {
		o.addChurn(set)
	}
	if name == "storm" || name == "mixed" {
		o.addStorm(set)
	}
	if name == "slow" || name == "mixed" {
		o.addSlow(set)
	}
	if err := o.readURL(name, set, args, stdout, shapeHelp[name]); err != nil {
		return nil, err
	}
	c := &o.config
	s.Rate, s.Arrivals, s.Warmup, s.Duration = c.Rate, c.Arrivals, c.Warmup, c.Duration
	var err error
	c.Phases, err = s.Phases()
	return &o.options, errors.Join(err, o.readToken())
}

// addRetry is for the scenarios in which connections come back.
func (o *options) addRetry(set *flag.FlagSet) {
	c := &o.config
	set.BoolFunc("retry", "try a setup that failed again, with backoff and full jitter (default true)", func(value string) error {
		retry, err := strconv.ParseBool(value)
		c.NoRetry = !retry
		return err
	})
	set.BoolVar(&c.NoSubscribe, "no-subscribe", false, "do not subscribe; with --rate 0, for servers that only accept connections")
	set.BoolVar(&c.Recover, "recover", false, "connections that come back ask for what they have missed, as the protocol says: across breaks they are owed everything")
	set.BoolVar(&c.Ticket, "ticket", false, "with --recover: connections come back by the resume ticket that the server has given them, in one message")
	set.Func("connect-token", "connections connect with the token in `FILE`, by a message of their own", intoToken(&c.Token))
	set.DurationVar(&c.Backoff, "backoff", 100*time.Millisecond, "longest pause before the first further attempt; it doubles up to 10s")
}

// intoToken reads a file with a token as soon as it is named.
func intoToken(into *string) func(string) error {
	return func(name string) error {
		text, err := os.ReadFile(name)
		*into = strings.TrimSpace(string(text))
		return err
	}
}

func (o *shapeOptions) addChurn(set *flag.FlagSet) {
	s := &o.shape
	s.Churn = 100
	set.Func("churn", "connections ended and opened anew per second, as `RATE` such as 100 or 100/s (default 100/s)", func(text string) (err error) {
		s.Churn, err = parseRate(text)
		return err
	})
	set.BoolVar(&s.ChurnRandom, "churn-random", false, "end connections at random (--seed) instead of the oldest")
}

func (o *shapeOptions) addStorm(set *flag.FlagSet) {
	s := &o.shape
	s.Drop = 1
	addShare(set, "drop", "`SHARE` of the connections that ends at once, such as 50% (default 100%)", &s.Drop)
	set.Func("drop-by", "how they end: close (with a close frame), reset (RST) or silent (nothing is read or answered any more) (default close)",
		func(text string) error {
			s.DropBy = loadtest.DropKind(text)
			return nil
		})
	set.DurationVar(&s.ReturnAfter, "return-after", 0, "when they begin to come back")
	set.Func("return-rate", "how many come back per second (default: all at once, as far as --max-in-flight allows)", func(text string) (err error) {
		s.ReturnRate, err = parseRate(text)
		return err
	})
	set.DurationVar(&s.ReturnJitter, "return-jitter", 0, "each comes back up to so much later, at random")
}

func (o *shapeOptions) addSlow(set *flag.FlagSet) {
	s := &o.shape
	s.Slow = 0.01
	addShare(set, "slow", "`SHARE` of the connections that is slow, such as 1% (default 1%)", &s.Slow)
	set.Func("trickle", "what a slow connection reads per second, as `BYTES` such as 512B/s (default: nothing)", func(text string) (err error) {
		s.Trickle, err = parseByteRate(text)
		return err
	})
}

func addShare(set *flag.FlagSet, name, usage string, share *float64) {
	set.Func(name, usage, func(text string) (err error) {
		*share, err = parsePart(text)
		return err
	})
}

// parseRate reads 100/s or 100.
func parseRate(text string) (float64, error) {
	rate, err := strconv.ParseFloat(strings.TrimSuffix(text, "/s"), 64)
	if err != nil || !(rate >= 0) {
		return 0, fmt.Errorf("want a rate such as 100/s, not %q", text)
	}
	return rate, nil
}

// parsePart is parseShare for one that cannot be more than the whole.
func parsePart(text string) (float64, error) {
	share, err := parseShare(text)
	if err != nil || !(share >= 0 && share <= 1) {
		return 0, fmt.Errorf("want a share such as 1%%, up to 100%%, not %q", text)
	}
	return share, nil
}

// parseByteRate reads 512B/s, 4KB/s or 512.
func parseByteRate(text string) (int, error) {
	number := strings.TrimSuffix(strings.TrimSuffix(text, "/s"), "B")
	number, kilo := strings.CutSuffix(number, "K")
	n, err := strconv.Atoi(number)
	if kilo {
		n *= 1000
	}
	if err != nil || n < 0 || n > 1<<30 {
		return 0, fmt.Errorf("want bytes per second such as 512B/s, not %q", text)
	}
	return n, nil
}
