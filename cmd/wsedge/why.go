package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/wsedge/wsedge/internal/auth"
	"github.com/wsedge/wsedge/internal/client"
)

// record is what the API tells of a connection.
type record struct {
	Client, State, Verdict, User, Dialect, Opened, Closed string
	DurationMS                                            int64 `json:"duration_ms"`
	Forgotten                                             int
	Events                                                []recordEvent
}

type recordEvent struct {
	AtMS           int64 `json:"at_ms"`
	Event, Channel string
	ChannelHash    string `json:"channel_hash"`
	Code, Reason   string
	Count, Bytes   int64
}

// why is the command why.
func why(e *environment, args []string) int {
	flags := newArguments(e, "why", "[CLIENT]", "why says why a client was closed, and what happened to it before: by its id, or with --user the last 20 connections of a user that have ended. The server must run with --flight-recorder.",
		"wsedge why 3zy3frva-0")
	api := addAPI(flags, auth.ScopeRead)
	user := flags.String("user", "", "the last connections of the user `name` that have ended")
	arguments, err := parseArguments(e, flags, args, 0, 1)
	if err != nil {
		return exitStatus(err)
	}
	if (*user == "") == (len(arguments) == 0) {
		return e.fail(errors.New("want either the id of a client, which its welcome and presence tell, or --user"), exitUsage)
	}
	params := new(client.Params).String("user", *user).String("client", append(arguments, "")[0])
	return api.call(e, "why", params, func(answer []byte) error {
		var r struct{ Clients []record }
		if err := json.Unmarshal(answer, &r); err != nil {
			return err
		}
		if len(r.Clients) == 0 {
			return errors.New("the server knows nothing of that: it was never there, not recorded, on a node that has ended or did not answer, or is forgotten")
		}
		for i := range r.Clients {
			if i > 0 {
				fmt.Fprintln(e.stdout)
			}
			if err := r.Clients[i].print(e.stdout); err != nil {
				return err
			}
		}
		return nil
	})
}

// print tells of a connection: the verdict first.
func (r *record) print(w io.Writer) error {
	fmt.Fprintf(w, "%s: %s\n", harmless([]byte(r.Client)), harmless([]byte(r.Verdict)))
	about := "opened " + r.Opened
	if r.Closed != "" {
		about += ", closed " + r.Closed
	}
	about += ", " + (time.Duration(r.DurationMS) * time.Millisecond).String()
	if r.User != "" {
		about += ", user " + r.User
	}
	if r.Dialect != "" {
		about += ", " + r.Dialect
	}
	fmt.Fprintf(w, "%s\n", harmless([]byte(about)))
	if r.Forgotten > 0 {
		fmt.Fprintf(w, "%d earlier events are forgotten\n", r.Forgotten)
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for i := range r.Events {
		fmt.Fprintf(table, "  %.3f s\t%s\n", float64(r.Events[i].AtMS)/1000, harmless([]byte(r.Events[i].text())))
	}
	return table.Flush()
}

// text is an event in a line.
func (v *recordEvent) text() string {
	words := []string{v.Event}
	switch {
	case v.Channel != "":
		words = append(words, v.Channel)
	case v.ChannelHash != "":
		words = append(words, "#"+v.ChannelHash)
	}
	for _, word := range []string{v.Code, v.Reason} {
		if word != "" {
			words = append(words, word)
		}
	}
	if v.Bytes > 0 {
		words = append(words, fmt.Sprintf("%d bytes", v.Bytes))
	}
	if v.Count > 1 {
		words = append(words, fmt.Sprintf("×%d", v.Count))
	}
	return strings.Join(words, " ")
}
