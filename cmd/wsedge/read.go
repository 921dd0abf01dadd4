package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/wsedge/wsedge/internal/auth"
	"github.com/wsedge/wsedge/internal/client"
)

// info is the command info.
func info(e *environment, args []string) int {
	flags := newFlags(e, "info", "info says which node answers, and how many connections and channels it has; with a shared engine, of all nodes.", "wsedge info --server https://push.example.org --api-key-file api-key")
	api := addAPI(flags, auth.ScopeRead)
	if err := parse(e, flags, args); err != nil {
		return exitStatus(err)
	}
	c, err := api.open(e)
	if err != nil {
		return e.fail(err, exitUsage)
	}
	defer c.Close()
	answer, err := c.Get(context.Background(), "info")
	if err == nil {
		err = api.print(e, answer, func(answer []byte) error {
			var i struct {
				Node, Version         string
				Connections, Channels int64
				UptimeSeconds         int64 `json:"uptime_seconds"`
				Cluster               *clusterInfo
			}
			if err := json.Unmarshal(answer, &i); err != nil {
				return err
			}
			text := fmt.Sprintf("node         %q\nversion      %q\nconnections  %d\nchannels     %d\nuptime       %v\n", i.Node, i.Version, i.Connections, i.Channels, time.Duration(i.UptimeSeconds)*time.Second)
			if _, err := fmt.Fprint(e.stdout, text); err != nil || i.Cluster == nil {
				return err
			}
			return i.Cluster.print(e.stdout)
		})
	}
	return api.outcome(e, err)
}

// clusterInfo is what the API tells of the nodes that share an engine.
type clusterInfo struct {
	Connections int64
	Missing     int
	Nodes       []struct {
		Node, Name, Version   string
		Connections, Channels int64
		UptimeSeconds         int64 `json:"uptime_seconds"`
		Draining              bool
	}
}

// print prints them as a table.
func (c *clusterInfo) print(w io.Writer) error {
	fmt.Fprintf(w, "\n%d nodes with %d connections\n", len(c.Nodes), c.Connections)
	if c.Missing > 0 {
		fmt.Fprintf(w, "%d more did not answer\n", c.Missing)
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "  NODE\tNAME\tVERSION\tCONNECTIONS\tCHANNELS\tUPTIME\t")
	for _, n := range c.Nodes {
		state := ""
		if n.Draining {
			state = "draining"
		}
		up := time.Duration(n.UptimeSeconds) * time.Second
		fmt.Fprintf(table, "  %s\t%s\t%s\t%d\t%d\t%v\t%s\n", harmless([]byte(n.Node)), harmless([]byte(n.Name)), harmless([]byte(n.Version)), n.Connections, n.Channels, up, state)
	}
	return table.Flush()
}

// pageSize is how many entries of a list are asked for at once, the most that the API gives.
const pageSize = 500

// pages asks for a list page by page, until there is no more, or there are limit entries; 0: all. tell prints a page, and returns how many entries it had.
func (f *apiFlags) pages(e *environment, method string, limit int, params func() *client.Params, tell func(answer []byte, first bool) (int, error)) int {
	c, err := f.open(e)
	if err != nil {
		return e.fail(err, exitUsage)
	}
	defer c.Close()
	partly := false
	for told, after, first := 0, "", true; ; first = false {
		size := pageSize
		if limit > 0 {
			size = min(size, limit-told)
		}
		answer, err := c.Call(context.Background(), method, params().Int("limit", size).String("after", after))
		if err != nil {
			return f.outcome(e, err)
		}
		var page struct {
			Next       string
			Incomplete bool
		}
		_ = json.Unmarshal(answer, &page) // tell sees whether it is what it should be
		n := 0
		if n, err = tell(answer, first); err == nil && f.json {
			_, err = fmt.Fprintf(e.stdout, "%s\n", answer)
		}
		if page.Incomplete && !partly {
			partly = true
			fmt.Fprintln(e.stderr, "wsedge: some nodes have not answered: what they have is missing here")
		}
		told += n
		if err != nil || page.Next == "" || limit > 0 && told >= limit || page.Next <= after {
			return f.outcome(e, err)
		}
		after = page.Next
	}
}

// limited checks --limit.
func limited(limit int) error {
	if limit < 0 {
		return errors.New("--limit: must not be negative")
	}
	return nil
}

// presence is the command presence.
func presence(e *environment, args []string) int {
	flags := newArguments(e, "presence", "CHANNEL", "presence says how many connections are subscribed to a channel and, where its namespace keeps members, which: client, user and info.",
		"wsedge presence chat:1")
	api := addAPI(flags, auth.ScopeRead)
	limit := flags.Int("limit", 0, "print at most `number` members (default: all)")
	arguments, err := parseArguments(e, flags, args, 1, 1)
	if err != nil {
		return exitStatus(err)
	}
	if err := limited(*limit); err != nil {
		return e.fail(err, exitUsage)
	}
	return api.pages(e, "presence", *limit, func() *client.Params { return new(client.Params).String("channel", arguments[0]) }, func(answer []byte, first bool) (int, error) {
		var r struct {
			Count   int
			Clients []struct {
				Client, User string
				Info         json.RawMessage
			}
		}
		if err := json.Unmarshal(answer, &r); err != nil || api.json {
			return len(r.Clients), err
		}
		if first {
			fmt.Fprintf(e.stdout, "count %d\n", r.Count)
		}
		table := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
		for _, m := range r.Clients {
			fmt.Fprintf(table, "%s\t%s\t%s\n", harmless([]byte(m.Client)), harmless([]byte(m.User)), harmless(m.Info))
		}
		return len(r.Clients), table.Flush()
	})
}

// channels is the command channels.
func channels(e *environment, args []string) int {
	flags := newArguments(e, "channels", "[PREFIX]", "channels lists the channels that are open on the node, or those that begin with PREFIX, with their subscribers. What comes behind the first 500 may be up to 10 s old.",
		"wsedge channels chat:")
	api := addAPI(flags, auth.ScopeRead)
	limit := flags.Int("limit", 0, "print at most `number` channels (default: all)")
	arguments, err := parseArguments(e, flags, args, 0, 1)
	if err != nil {
		return exitStatus(err)
	}
	if err := limited(*limit); err != nil {
		return e.fail(err, exitUsage)
	}
	prefix := append(arguments, "")[0]
	return api.pages(e, "channels", *limit, func() *client.Params { return new(client.Params).String("prefix", prefix) }, func(answer []byte, _ bool) (int, error) {
		var r struct {
			Channels []struct {
				Channel     string
				Subscribers int
			}
		}
		if err := json.Unmarshal(answer, &r); err != nil || api.json {
			return len(r.Channels), err
		}
		table := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
		for _, c := range r.Channels {
			fmt.Fprintf(table, "%s\t%d\n", harmless([]byte(c.Channel)), c.Subscribers)
		}
		return len(r.Channels), table.Flush()
	})
}
