// Command wschat is a group chat in one small program, to read as well as to run: four plain servers as tutorials show them, each at a path of its
// own. docs/GUIDE.md says what goes over the wire. It stores nothing, and imports nothing but reactor and the standard library.
//
// Ownership: a member belongs to its conn's loop. An audience is shared, and its count guarded by a lock, under which nothing waits: a
// publication is handed to the loops, not sent.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

// options are what the command line and the environment say.
type options struct {
	addr, root, token, origins, pushLog string
	rate, quietAbove                    int
	ping, beat                          time.Duration
	logger                              *slog.Logger
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	o, err := readOptions(os.Args[1:], os.Getenv("WSCHAT_TOKEN"), os.Stderr)
	if err == nil {
		err = run(ctx, o)
	}
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(os.Stderr, "wschat: %v\n", err)
		os.Exit(1)
	}
}

// readOptions reads the command line. The error names all that is wrong.
func readOptions(args []string, token string, out io.Writer) (options, error) {
	o := options{logger: slog.New(slog.NewTextHandler(out, nil))}
	f := flag.NewFlagSet("wschat", flag.ContinueOnError)
	f.SetOutput(out)
	f.StringVar(&o.addr, "addr", "127.0.0.1:8080", "`address` to listen on")
	f.StringVar(&o.root, "root", "rooms", "which `path` answers at /, too: "+strings.Join(pathNames, ", "))
	f.StringVar(&o.token, "token", "", "`secret` that members, and readers of metrics, bring as ?token= or as a bearer ($WSCHAT_TOKEN, which ps does not show)")
	f.StringVar(&o.origins, "origins", "*", "`origins` of pages that may connect, with commas between; the default lets all, as a page opened from a file has none")
	f.StringVar(&o.pushLog, "push-log", "", "`file` to append every pushed message to, a line of JSON each")
	f.IntVar(&o.rate, "rate", 10, "`messages` a second that a member may send; twice as many may come at once. 0: as many as reactor takes, which are 30000")
	f.IntVar(&o.quietAbove, "quiet-above", 1000, "with more `members` than that, who joins is told of it alone, and nobody of who leaves: n joins cost n² messages")
	f.DurationVar(&o.ping, "ping-interval", 30*time.Second, "silence after which a member is pinged; silent for as long again it is cut off")
	f.DurationVar(&o.beat, "beat", 5*time.Second, "interval of the heartbeat messages of /group")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	o.token = cmp.Or(o.token, token)
	var problems []error
	problem := func(wrong bool, what string) {
		if wrong {
			problems = append(problems, errors.New(what))
		}
	}
	problem(f.NArg() > 0, f.Arg(0)+": there are flags only")
	problem(!slices.Contains(pathNames, o.root), "--root: there are "+strings.Join(pathNames, ", "))
	problem(o.rate < 0 || o.rate > 15_000, "--rate: 0 to 15000") // reactor bounds up to twice as many frames
	problem(o.quietAbove < 1, "--quiet-above: at least 1")
	problem(o.ping < time.Second, "--ping-interval: at least 1s")
	problem(o.beat < 100*time.Millisecond, "--beat: at least 100ms")
	return o, errors.Join(problems...)
}

// run serves until ctx is done, and then ends with grace: members get what waits for them, and a close frame.
func run(ctx context.Context, o options) error {
	ch, err := start(ctx, o)
	if err != nil {
		return err
	}
	o.logger.Info("listening", "addr", ch.server.Addr().String(), "root", o.root)
	if err = ch.server.Serve(ctx); errors.Is(err, context.DeadlineExceeded) {
		o.logger.Warn("members were cut off", "error", err)
		err = nil
	}
	return errors.Join(err, ch.log.close())
}
