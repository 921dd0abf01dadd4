package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/wsedge/wsedge/internal/auth"
	"github.com/wsedge/wsedge/internal/client"
)

// publication are the flags that publish and broadcast have in common.
type publication struct {
	*apiFlags
	text, receipt bool
	key, exclude  string
}

func addPublication(flags *flag.FlagSet) *publication {
	p := &publication{apiFlags: addAPI(flags, auth.ScopePublish)}
	flags.BoolVar(&p.text, "text", false, "publish the data as a text, also where it could be read as JSON")
	flags.StringVar(&p.key, "idempotency-key", "", "`text` by which a repetition is known: within five minutes nothing is published twice with it; with --lines each line has it with its number behind")
	flags.StringVar(&p.exclude, "exclude", "", "`id` of a client that shall not get it")
	flags.BoolVar(&p.receipt, "receipt", false, "ask to how many connections it was queued, and how many had no room for it")
	return p
}

// params are a publication's, but for where it goes.
func (p *publication) params(written []byte) (*client.Params, error) {
	data, err := client.Data(written, p.text)
	if err != nil {
		return nil, err
	}
	return new(client.Params).Raw("data", data).String("exclude", p.exclude).String("idempotency_key", p.key).Flag("receipt", p.receipt), nil
}

// publish is the command publish.
func publish(e *environment, args []string) int {
	flags := newArguments(e, "publish", "CHANNEL [DATA]",
		"publish publishes DATA, or what stands on the standard input, to a channel. What is JSON is published as it is, everything else as a text.",
		"wsedge publish news '{\"title\":\"hello\"}'\necho hello | wsedge publish news\ntail -f events.log | wsedge publish log --lines")
	p := addPublication(flags)
	user := flags.String("user", "", "publish to the personal channel of the user `name`, in the place of CHANNEL")
	lines := flags.Bool("lines", false, "publish each line of the standard input by itself, in their order; what is refused is told with its number")
	arguments, err := parseArguments(e, flags, args, 0, 2)
	if err != nil {
		return exitStatus(err)
	}
	channel := ""
	if *user == "" && len(arguments) > 0 {
		channel, arguments = arguments[0], arguments[1:]
	}
	switch {
	case channel == "" && *user == "":
		return e.fail(errors.New("want CHANNEL, or --user; see wsedge publish --help"), exitUsage)
	case len(arguments) > 1:
		return e.fail(errors.New("with --user there is no CHANNEL"), exitUsage)
	case *lines && len(arguments) > 0 && arguments[0] != "-":
		return e.fail(errors.New("with --lines the data comes from the standard input"), exitUsage)
	case *lines:
		return p.publishLines(e, channel, *user)
	}
	data, err := dataOf(arguments)
	if err != nil {
		return e.fail(err, exitUsage)
	}
	params, err := p.params(data)
	if err != nil {
		return e.fail(err, exitUsage)
	}
	return p.call(e, "publish", params.String("channel", channel).String("user", *user), func(answer []byte) error {
		var r published
		if err := json.Unmarshal(answer, &r); err != nil {
			return err
		}
		_, err := fmt.Fprintln(e.stdout, r.String())
		return err
	})
}

// dataOf is the data: the argument, or the standard input where there is none, or it is a dash. A line break at the end of that, which editors
// and echo leave there, is no part of it.
func dataOf(arguments []string) ([]byte, error) {
	if len(arguments) > 0 && arguments[0] != "-" {
		return []byte(arguments[0]), nil
	}
	if about, err := os.Stdin.Stat(); len(arguments) == 0 && (err != nil || about.Mode()&os.ModeCharDevice != 0) {
		return nil, errors.New("want DATA, or - for the standard input")
	}
	data, err := io.ReadAll(io.LimitReader(os.Stdin, client.MaxLineBytes+1))
	if err != nil {
		return nil, err
	}
	if len(data) > client.MaxLineBytes {
		return nil, fmt.Errorf("the data is larger than the %d bytes that the API takes", client.MaxLineBytes)
	}
	data = bytes.TrimSuffix(bytes.TrimSuffix(data, []byte("\n")), []byte("\r"))
	if len(data) == 0 {
		return nil, errors.New("there is nothing on the standard input")
	}
	return data, nil
}

// published is the answer to a publication.
type published struct {
	Channel         string
	Offset          uint64
	Epoch           string
	Matched         int
	Receipt         string // complete, partial or repeated
	Queued, Dropped *int   // with a receipt
	Code, Message   string // in a broadcast: why not
}

// String is the answer as people read it.
func (p *published) String() string {
	if p.Code != "" {
		return harmless(fmt.Appendf(nil, "wsedge: %s: %s: %s", p.Channel, p.Code, p.Message))
	}
	text := fmt.Appendf(nil, "%s  offset %d  matched %d", p.Channel, p.Offset, p.Matched)
	if p.Queued != nil {
		text = fmt.Appendf(text, "  queued %d", *p.Queued)
	}
	if p.Dropped != nil {
		text = fmt.Appendf(text, "  dropped %d", *p.Dropped)
	}
	if p.Receipt != "" && p.Receipt != "complete" {
		text = fmt.Appendf(text, "  receipt %s", p.Receipt)
	}
	return harmless(text)
}

// tellResults prints what became of a broadcast: what failed to the standard error.
func tellResults(e *environment, results []published) (err error) {
	for i := range results {
		w := e.stdout
		if results[i].Code != "" {
			w = e.stderr
		}
		if _, failed := fmt.Fprintln(w, results[i].String()); failed != nil {
			err = failed
		}
	}
	return err
}

// broadcast is the command broadcast. One channel that fails makes it fail; the others have it all the same.
func broadcast(e *environment, args []string) int {
	flags := newArguments(e, "broadcast", "[DATA]", "broadcast publishes the same data to several channels, and says for each what became of it. It exits with 1 if any of them failed.",
		"wsedge broadcast --channels news,sport '{\"title\":\"hello\"}'")
	p := addPublication(flags)
	var names list
	flags.Var(&names, "channels", "`names` of the channels; several: comma or again")
	arguments, err := parseArguments(e, flags, args, 0, 1)
	if err != nil {
		return exitStatus(err)
	}
	if len(names.values) == 0 {
		return e.fail(errors.New("--channels: want at least one"), exitUsage)
	}
	data, err := dataOf(arguments)
	if err != nil {
		return e.fail(err, exitUsage)
	}
	params, err := p.params(data)
	if err != nil {
		return e.fail(err, exitUsage)
	}
	failed := 0
	status := p.exchange(e, "broadcast", params.List("channels", names.values), func(answer []byte) error {
		var all struct{ Results []published }
		if err := json.Unmarshal(answer, &all); err != nil {
			return err
		}
		for i := range all.Results {
			if all.Results[i].Code != "" {
				failed++
			}
		}
		return p.print(e, answer, func([]byte) error { return tellResults(e, all.Results) })
	})
	if failed > 0 {
		return exitFailure
	}
	return status
}
