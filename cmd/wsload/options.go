package main

import (
	"errors"
	"flag"
	"io"
	"time"

	"github.com/wsedge/wsedge/loadtest"
)

// options is a command line, read.
type options struct {
	config        loadtest.Config
	files         outputs
	prometheus    string // address
	plain         bool
	quiet         bool
	acceptInvalid bool
	tokenFile     string // of the agents
}

// parseOptions reads the arguments behind the scenario. It returns flag.ErrHelp after having printed the help.
func parseOptions(scenario loadtest.Scenario, args []string, stdout io.Writer) (*options, error) {
	opts := &options{config: loadtest.Config{Scenario: scenario}}
	set := flag.NewFlagSet(string(scenario), flag.ContinueOnError)
	opts.addCommon(set)
	opts.addMessages(set)
	opts.addFloor(set)
	opts.addTransport(set)
	opts.addAgents(set)
	switch scenario {
	case loadtest.Fanout:
		opts.addFanout(set)
	case loadtest.Echo:
		opts.addEcho(set)
	case loadtest.Idle:
		opts.addIdle(set)
	}
	if err := opts.readURL(string(scenario), set, args, stdout, helpTexts[scenario]); err != nil {
		return nil, err
	}
	if scenario == loadtest.Fanout {
		return opts, errors.Join(opts.needsRate(set), opts.readToken())
	}
	return opts, opts.readToken()
}

// readURL parses flags, and the URL among them. It returns flag.ErrHelp after having printed the help.
func (o *options) readURL(command string, set *flag.FlagSet, args []string, stdout io.Writer, help string) (err error) {
	if o.config.URL, err = oneArgument(command, "URL", set, args); errors.Is(err, flag.ErrHelp) {
		printHelp(stdout, help, set)
	}
	return err
}

// needsRate refuses a rate of 0 where it would mean the default.
func (o *options) needsRate(set *flag.FlagSet) (err error) {
	set.Visit(func(f *flag.Flag) {
		if f.Name == "rate" && o.config.Rate == 0 && o.config.Scenario == loadtest.Fanout {
			err = errors.New("--rate must be more than 0: without publications, wsload idle holds connections")
		}
	})
	return err
}

func (o *options) addCommon(set *flag.FlagSet) {
	c := &o.config
	set.IntVar(&c.Conns, "conns", 1000, "connections")
	set.DurationVar(&c.Duration, "duration", 10*time.Second, "how long to measure")
	set.DurationVar(&c.Warmup, "warmup", 2*time.Second, "how long to send before measuring")
	set.DurationVar(&c.Settle, "settle", time.Second, "pause between the last connection and the first message")
	set.DurationVar(&c.SetupTimeout, "setup-timeout", 20*time.Second, "limit for one connection's setup")
	set.IntVar(&c.Processes, "processes", 0, "worker processes; 0: as many as the open-file limit asks for")
	set.IntVar(&c.Threads, "threads", 0, "epoll loops per process; 0: two, or one on a single core")
	set.Float64Var(&c.ConnectRate, "connect-rate", 4000, "connections opened per second")
	set.IntVar(&c.MaxInFlight, "max-in-flight", 1000, "connections in setup at a time")
	o.addServer(set)
	set.StringVar(&o.files.json, "json", "", "write the whole result to `FILE` (schema: docs/wsload-result.schema.json)")
	set.StringVar(&o.files.csv, "csv", "", "write the seconds of the run to `FILE`")
	set.StringVar(&o.files.html, "html", "", "write a page with plots to `FILE`")
	set.StringVar(&o.prometheus, "prometheus", "", "answer scrapes at `ADDRESS` (host:port) while it runs")
	set.BoolVar(&o.plain, "plain", false, "lines of progress even on a terminal")
	set.BoolVar(&o.quiet, "quiet", false, "no progress at all")
	set.Func("source", "`ADDRESSES` to connect from: comma-separated, or CIDR ranges (default: the system's choice, on loopback 127.0.0.1 and up)",
		func(list string) (err error) {
			c.Sources, err = loadtest.ParseSources(list)
			return err
		})
	set.Func("also", "`ADDRESSES` (IP:PORT, with commas between them) of further nodes: connections go to the URL's and to these by turns",
		func(list string) (err error) {
			c.Also, err = loadtest.ParseNodes(list)
			return err
		})
	set.Func("expect", "`CONDITION` such as 'p99<50ms', 'lost==0' or 'errors.total==0' on any number of the JSON; may be repeated",
		func(text string) error {
			e, err := loadtest.ParseExpectation(text)
			c.Expect = append(c.Expect, e)
			return err
		})
	set.BoolVar(&o.acceptInvalid, "accept-invalid", false, "do not exit with 4 where the generator was the bottleneck")
	set.Func("header", "`LINE` such as \"X-API-Key: k\" for handshakes and publications; may be repeated",
		func(line string) error {
			c.Header = append(c.Header, line)
			return nil
		})
}

// addArrivals is for the scenarios that send.
func (o *options) addArrivals(set *flag.FlagSet) {
	c := &o.config
	set.Func("arrivals", "`SHAPE` of the open loop: constant, poisson, burst:N (N at once) or step:RATE@TIME,…,RATE, whose rates take the place of --rate (default constant)",
		func(text string) (err error) {
			c.Arrivals, err = loadtest.ParseArrivals(text)
			return err
		})
	set.Uint64Var(&c.Seed, "seed", 1, "seed of random arrivals; equal seeds give equal times")
}

func (o *options) addFanout(set *flag.FlagSet) {
	c := &o.config
	o.addArrivals(set)
	set.Float64Var(&c.Rate, "rate", 8, "publications per second, open loop")
	set.IntVar(&c.Payload, "payload", 128, "bytes of data per publication")
	set.IntVar(&c.Outstanding, "outstanding", 1, "publications back to back at each scheduled time")
	set.IntVar(&c.Publishers, "publishers", 0, "connections that publish; 0: as many as outstanding publications and the rate need")
	set.StringVar(&c.PublishURL, "publish-url", "", "where to publish, http or ws (default: as the protocol says, for wsedge the URL's host, /api/publish)")
	set.StringVar(&c.Channel, "channel", "", "channel, or with --topics what their names begin with (default: load, or the one in the URL)")
	set.DurationVar(&c.Drain, "drain", 5*time.Second, "how long to wait for the last deliveries")
}

func (o *options) addEcho(set *flag.FlagSet) {
	c := &o.config
	o.addArrivals(set)
	set.Float64Var(&c.Rate, "rate", 0, "messages per second in all, open loop; 0: closed loop, one outstanding per connection")
	set.IntVar(&c.Payload, "payload", 128, "bytes per message")
	set.DurationVar(&c.Drain, "drain", 5*time.Second, "how long to wait for the last answers")
}

func (o *options) addIdle(set *flag.FlagSet) {
	c := &o.config
	set.StringVar(&c.Channel, "channel", "", "channel to subscribe to (default: load, or the one in the URL)")
	set.BoolVar(&c.NoSubscribe, "no-subscribe", false, "do not subscribe")
	set.BoolVar(&c.Stalled, "stalled", false, "read nothing once subscribed: slow consumers, to be run beside a fanout")
}
