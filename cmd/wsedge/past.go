package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"strconv"

	"github.com/wsedge/wsedge/internal/auth"
	"github.com/wsedge/wsedge/internal/client"
)

// historyPage is how many publications are asked for at once, the most that the API gives.
const historyPage = 1000

// historyCall is the command history.
type historyCall struct {
	*apiFlags
	channel, epoch string
	limit          int // 0: all
	since          *uint64
}

// history is the command history.
func history(e *environment, args []string) int {
	flags := newArguments(e, "history", "CHANNEL", "history prints the publications that a channel keeps: the newest of them, or those behind an offset.",
		"wsedge history news --limit 10\nwsedge history news --since 15")
	h := &historyCall{apiFlags: addAPI(flags, auth.ScopeRead)}
	flags.IntVar(&h.limit, "limit", 100, "print at most `number` publications")
	all := flags.Bool("all", false, "print all that is kept")
	flags.Func("since", "print the oldest publications behind this `offset`", func(s string) error {
		offset, err := strconv.ParseUint(s, 10, 64)
		h.since = &offset
		return err
	})
	flags.StringVar(&h.epoch, "epoch", "", "`epoch` of the offset of --since (default: the present one)")
	arguments, err := parseArguments(e, flags, args, 1, 1)
	if err != nil {
		return exitStatus(err)
	}
	h.channel = arguments[0]
	if err := h.check(flags, *all); err != nil {
		return e.fail(err, exitUsage)
	}
	c, err := h.open(e)
	if err != nil {
		return e.fail(err, exitUsage)
	}
	defer c.Close()
	return h.outcome(e, h.run(e, c))
}

func (h *historyCall) check(flags *flag.FlagSet, all bool) error {
	var problems []error
	if h.limit < 1 {
		problems = append(problems, errors.New("--limit: want at least 1"))
	}
	if h.limit > historyPage && h.since == nil && !all {
		problems = append(problems, fmt.Errorf("--limit: want at most %d of the newest; --since and --all read on", historyPage))
	}
	if h.epoch != "" && h.since == nil {
		problems = append(problems, errors.New("--epoch needs --since"))
	}
	if all {
		flags.Visit(func(f *flag.Flag) {
			if f.Name == "limit" || f.Name == "since" {
				problems = append(problems, errors.New("--all and --"+f.Name+" exclude each other"))
			}
		})
		h.limit, h.since = 0, new(uint64)
	}
	return errors.Join(problems...)
}

// past is the answer of the API.
type past struct {
	Epoch        string
	Offset       uint64
	Recovered    *bool
	Publications []client.Message
}

// run reads the history page by page.
func (h *historyCall) run(e *environment, c *client.Client) error {
	if h.since != nil && h.epoch == "" {
		_, p, err := h.page(c, 1, nil)
		if err != nil {
			return err
		}
		h.epoch = p.Epoch
	}
	for told := 0; ; {
		size := historyPage
		if h.limit > 0 {
			size = min(size, h.limit-told)
		}
		answer, p, err := h.page(c, size, h.since)
		if err != nil {
			return err
		}
		if err := h.print(e, answer, func([]byte) error { return h.tell(e, p) }); err != nil {
			return err
		}
		if p.Recovered != nil && !*p.Recovered && (h.limit > 0 || told > 0) { // all begins with the oldest; what goes while it is read is missing
			fmt.Fprintf(e.stderr, "wsedge: not all behind offset %d is kept\n", *h.since)
		}
		n := len(p.Publications)
		if told += n; h.since == nil || n == 0 || h.limit > 0 && told >= h.limit {
			return nil
		}
		last := p.Publications[n-1].Offset
		if h.since, h.epoch = &last, p.Epoch; last >= p.Offset {
			return nil
		}
	}
}

// page asks for a part of the history.
func (h *historyCall) page(c *client.Client, limit int, since *uint64) (answer []byte, p *past, err error) {
	params := new(client.Params).String("channel", h.channel).Int("limit", limit)
	if since != nil {
		position, err := json.Marshal(client.Position{Epoch: h.epoch, Offset: *since})
		if err != nil {
			return nil, nil, err
		}
		params.Raw("since", position)
	}
	if answer, err = c.Call(context.Background(), "history", params); err != nil {
		return nil, nil, err
	}
	p = new(past)
	return answer, p, json.Unmarshal(answer, p)
}

func (h *historyCall) tell(e *environment, p *past) error {
	for i := range p.Publications {
		m := &p.Publications[i]
		m.Channel = h.channel
		if _, err := fmt.Fprintln(e.stdout, describeMessage(m)); err != nil {
			return err
		}
	}
	return nil
}

// describeMessage is a publication as people read it, on one line.
func describeMessage(m *client.Message) string {
	var data bytes.Buffer
	if err := json.Compact(&data, m.Data); err != nil {
		data.Write(m.Data)
	}
	text := fmt.Appendf(nil, "%s  %d  %s", m.Channel, m.Offset, data.Bytes())
	switch {
	case m.User != "":
		text = fmt.Appendf(text, "  by %s (%s)", m.User, m.Client)
	case m.Client != "":
		text = fmt.Appendf(text, "  by %s", m.Client)
	}
	return harmless(text)
}
