package main

import (
	"errors"
	"flag"
	"fmt"
	"strings"

	"github.com/wsedge/wsedge/internal/edge"
	"github.com/wsedge/wsedge/internal/ticket"
)

// ticketFlags are the flags of resume tickets.
type ticketFlags struct {
	enabled  bool
	keysFile string
}

func addTickets(flags *flag.FlagSet) *ticketFlags {
	f := &ticketFlags{}
	flags.BoolVar(&f.enabled, "tickets", true, "give resume tickets to clients that ask for them, and take them")
	flags.StringVar(&f.keysFile, "ticket-keys", "",
		"`file` with the keys of resume tickets, one a line, newest first: 32 random bytes each, as base64 or in hexadecimal digits; without it tickets are good on this node only, until it ends")
	return f
}

// config reads the keys: of the file, or those that stand in the configuration.
func (f *ticketFlags) config(inline []string) (t edge.Tickets, err error) {
	t.Off = !f.enabled
	switch {
	case t.Off:
	case f.keysFile != "" && len(inline) > 0:
		err = errors.New("--ticket-keys: there are keys in the configuration as well: want one of them")
	case f.keysFile != "":
		var text []byte
		if text, err = readSecret(f.keysFile); err == nil {
			t.Keys, err = ticket.ParseKeys(text)
		}
		if err != nil {
			err = fmt.Errorf("--ticket-keys: %s: %w", f.keysFile, err)
		}
	case len(inline) > 0:
		if t.Keys, err = ticket.ParseKeys([]byte(strings.Join(inline, "\n"))); err != nil {
			err = fmt.Errorf("ticket keys: %w", err)
		}
	}
	return t, err
}
