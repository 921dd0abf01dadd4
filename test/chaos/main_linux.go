package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// options are the flags.
type options struct {
	seed       uint64
	long       bool
	inside     bool
	topologies string
	dir, json  string
	keep       bool
	size       size
	history    int
	publishes  uint64
	counts     map[string]*int
	maxHold    time.Duration
	within     time.Duration
}

// flagsOf names the flags of faultKinds.
var flagsOf = map[string]string{killNode: "kill-node", killEngine: "kill-engine", pause: "stop", partition: "partition", rolling: "rolling", killAll: "kill-all", oneWay: "one-way", both: "both"}

func parse(args []string) (*options, error) {
	o := &options{counts: make(map[string]*int)}
	flags := flag.NewFlagSet("chaos", flag.ContinueOnError)
	flags.Uint64Var(&o.seed, "seed", 0, "what all times, targets and places are derived from (default: a random one, which is printed)")
	flags.BoolVar(&o.long, "long", false, "the long run: 5,000 clients, 1,000,000 publications, 200 faults")
	flags.StringVar(&o.topologies, "topologies", "embedded,nats1,nats3", "which `topologies`, one after the other")
	flags.IntVar(&o.size.clients, "clients", 0, "how many WebSocket clients (default 300; 5000)")
	flags.IntVar(&o.size.channels, "channels", 0, "how many channels, at least 10: the more, the fewer subscribers has each (default 50; 500)")
	flags.Float64Var(&o.size.rate, "rate", 0, "publications a second (default 300; 1500)")
	flags.Uint64Var(&o.publishes, "publishes", 0, "acknowledged publications at least, of all topologies together (default: none; 1000000)")
	flags.DurationVar(&o.maxHold, "max-hold", 0, "the longest pause or partition (default 5s; 20s)")
	flags.DurationVar(&o.within, "within", 0, "how long all topologies together may take, but for what each needs to come to its end: each has its share of what is left, and faults and publications that don't fit are left out; 0: as long as it takes")
	flags.DurationVar(&o.size.stay, "stay", 60*time.Second, "how long clients keep a connection on average before they drop it and come back by themselves; 0: for ever")
	flags.DurationVar(&o.size.serve, "serve", 10*time.Second, "how long the clients of a node that died may be without service; it is a measure of the machine, too")
	flags.IntVar(&o.history, "history", 8000, "how many publications a channel keeps: enough for all outages, or few, so that clients must be told of gaps")
	for kind, name := range flagsOf {
		o.counts[kind] = flags.Int(name, -1, "how many faults of the kind: "+kind)
	}
	flags.StringVar(&o.dir, "dir", "", "`directory` for files and logs (default: a temporary one, which is removed if all is well)")
	flags.StringVar(&o.json, "json", "", "`file` for the report as JSON")
	flags.BoolVar(&o.keep, "keep", false, "keep the directory in any case")
	flags.BoolVar(&o.inside, "inside", false, "for itself: it is in its namespace")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	for _, topology := range strings.Split(o.topologies, ",") {
		if topology != embedded && topology != nats1 && topology != nats3 {
			return nil, fmt.Errorf("-topologies: want %s, %s or %s, with commas between", embedded, nats1, nats3)
		}
	}
	if o.size.channels != 0 && o.size.channels < 2*crowdOf || flags.NArg() > 0 {
		return nil, errors.New("want flags only, and at least 10 channels")
	}
	return o, nil
}

// fill gives what was not said: a short run, or a long one.
func (o *options) fill() {
	counts := map[string]int{killNode: 2, killEngine: 2, pause: 3, partition: 3, rolling: 2, killAll: 1, oneWay: 2, both: 2}
	clients, channels, rate, hold := 300, 50, 300.0, 5*time.Second
	if o.long {
		counts = map[string]int{killNode: 50, killEngine: 50, pause: 20, partition: 20, rolling: 20, killAll: 10, oneWay: 10, both: 20}
		clients, channels, rate, hold = 5000, 500, 1500, 20*time.Second
		o.publishes = max(o.publishes, 1_000_000)
	}
	if o.size.clients == 0 {
		o.size.clients = clients
	}
	if o.size.channels == 0 {
		o.size.channels = channels
	}
	if o.size.rate == 0 {
		o.size.rate = rate
	}
	if o.maxHold == 0 {
		o.maxHold = hold
	}
	for kind, n := range o.counts {
		if *n < 0 {
			*n = counts[kind]
		}
	}
}

func main() {
	o, err := parse(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err == nil && !o.inside {
		os.Exit(outside(o))
	}
	if err == nil {
		o.fill()
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		var clean bool
		if clean, err = run(ctx, o); err == nil && !clean {
			os.Exit(1)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(2)
	}
}

// outside builds the programs and starts this one again, in a network namespace of its own. It returns the exit code.
func outside(o *options) int {
	fail := func(err error) int {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		return 2
	}
	if o.seed == 0 {
		o.seed = rand.Uint64N(1 << 32)
	}
	if os.Geteuid() != 0 {
		return fail(errors.New("it needs root: each process gets a network namespace of its own, which is how partitions are made"))
	}
	if _, err := exec.LookPath("ip"); err != nil {
		return fail(errors.New("it needs the command ip (iproute2), which connects the network namespaces"))
	}
	made := o.dir == ""
	if made {
		dir, err := os.MkdirTemp("", "wsedge-chaos-")
		if err != nil {
			return fail(err)
		}
		o.dir = dir
	}
	if err := build(o.dir); err != nil {
		return fail(err)
	}
	runtime.LockOSThread() // the child dies with the thread that started it, which is to be the process's first
	self := exec.Command("/proc/self/exe", append(os.Args[1:], "-inside", "-dir", o.dir, "-seed", fmt.Sprint(o.seed))...)
	self.Stdin, self.Stdout, self.Stderr = os.Stdin, os.Stdout, os.Stderr
	self.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL, Setpgid: true}
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if err := self.Start(); err != nil {
		return fail(fmt.Errorf("a network namespace of its own: %w", err))
	}
	go func() {
		for s := range signals {
			_ = self.Process.Signal(s) // it may have ended
		}
	}()
	err := self.Wait()
	if err == nil && made && !o.keep {
		_ = os.RemoveAll(o.dir)
	} else {
		fmt.Fprintln(os.Stderr, "chaos: files and logs are in", o.dir)
	}
	return self.ProcessState.ExitCode()
}

// build builds what is run.
func build(dir string) error {
	for name, path := range map[string]string{"wsedge": "github.com/wsedge/wsedge/cmd/wsedge", "nats-server": "github.com/nats-io/nats-server/v2"} {
		cmd := exec.Command("go", "build", "-o", filepath.Join(dir, name), path)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("go build %s: %w\n%s", path, err, out)
		}
	}
	return nil
}
