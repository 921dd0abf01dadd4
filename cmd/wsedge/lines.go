package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"

	"github.com/wsedge/wsedge/internal/client"
)

// publishLines publishes the lines of the standard input. It says at the end how many those were, also where it had to stop.
func (p *publication) publishLines(e *environment, channel, user string) int {
	c, err := p.open(e)
	if err != nil {
		return e.fail(err, exitUsage)
	}
	defer c.Close()
	accepted, refused := 0, 0
	key := p.key
	err = c.Lines(context.Background(), os.Stdin, func(number int, line []byte) (*client.Params, error) {
		if key != "" {
			p.key = key + ":" + strconv.Itoa(number)
		}
		params, err := p.params(line)
		if err != nil {
			return nil, err
		}
		return params.String("channel", channel).String("user", user), nil
	}, func(l client.Line) {
		if l.Err != nil {
			refused++
			fmt.Fprintf(e.stderr, "wsedge: line %d: %s\n", l.Number, harmless([]byte(l.Err.Error())))
			return
		}
		accepted++
		_ = p.print(e, l.Reply, func(answer []byte) error { return p.tellLine(e, answer) }) // who does not want to know has it published all the same
	})
	if !p.json {
		fmt.Fprintf(e.stdout, "published %d", accepted)
		if refused > 0 {
			fmt.Fprintf(e.stdout, ", refused %d", refused)
		}
		fmt.Fprintln(e.stdout)
	}
	if err == nil && refused > 0 {
		return exitFailure
	}
	return p.outcome(e, err)
}

// tellLine prints a receipt; without one only the sum is told.
func (p *publication) tellLine(e *environment, answer []byte) error {
	if !p.receipt {
		return nil
	}
	var r published
	if err := json.Unmarshal(answer, &r); err != nil {
		return err
	}
	_, err := fmt.Fprintln(e.stdout, r.String())
	return err
}
