package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/wsedge/wsedge/loadtest"
)

// tokenVariable is where the agents' token is looked for without a file.
const tokenVariable = "WSLOAD_AGENT_TOKEN"

const agentHelp = `Usage: wsload agent --token-file FILE [flags]

Waits for a wsload elsewhere that has --agents and holds the same token, and has worker processes
here hold connections for it: one run at a time, all of them ended when it is gone. The connection is
TLS 1.3; both sides prove that they hold the token. Who holds it can have this machine put load on
whatever --allow-target allows, which is everything without one.

Example:
  head -c 32 /dev/urandom | base64 > token      # and copy it to the other machines
  wsload agent --listen 10.0.0.2:7070 --token-file token --allow-target 10.0.0.10:8080
`

// addAgents is for runs that other machines take part in.
func (o *options) addAgents(set *flag.FlagSet) {
	c := &o.config
	set.Func("agents", "`LIST` of wsload agents that hold the connections, HOST:PORT,HOST:PORT=WEIGHT; this machine only publishes then. Weights share the connections out (default: an agent's cores)",
		func(list string) error {
			agents, err := loadtest.ParseAgents(list)
			c.Agents = append(c.Agents, agents...)
			return err
		})
	set.StringVar(&o.tokenFile, "agent-token-file", "", "`FILE` with the agents' token (default: the environment's "+tokenVariable+")")
	set.BoolVar(&c.WithLocal, "with-local", false, "hold connections on this machine as well as on the agents")
}

// readToken gets the token if there are agents to show it to.
func (o *options) readToken() (err error) {
	if len(o.config.Agents) > 0 {
		o.config.AgentToken, err = agentToken(o.tokenFile, "--agent-token-file")
	}
	return err
}

// agentToken reads the token from a file, which name is the flag of, or from the environment.
func agentToken(file, name string) ([]byte, error) {
	if file != "" {
		text, err := os.ReadFile(file)
		return bytes.TrimSpace(text), err
	}
	if text := os.Getenv(tokenVariable); text != "" {
		return []byte(text), nil
	}
	return nil, fmt.Errorf("agents need a token: give %s, or %s in the environment", name, tokenVariable)
}

// agentOptions is the command line of an agent, read.
type agentOptions struct {
	config loadtest.AgentConfig
	listen string
}

// parseAgentOptions reads it. It returns flag.ErrHelp after having printed the help.
func parseAgentOptions(args []string, stdout io.Writer) (*agentOptions, error) {
	opts := &agentOptions{}
	c := &opts.config
	set := flag.NewFlagSet("agent", flag.ContinueOnError)
	set.StringVar(&opts.listen, "listen", "127.0.0.1:7070", "`ADDRESS` to wait at")
	tokenFile := set.String("token-file", "", "`FILE` with the token that coordinators have to hold (default: the environment's "+tokenVariable+")")
	set.Func("allow-target", "`CIDR|HOST:PORT` that load may go to; may be repeated (default: everything)", func(text string) error {
		rule, err := loadtest.ParseTargetRule(text)
		c.Allow = append(c.Allow, rule)
		return err
	})
	set.Func("source", "`ADDRESSES` to connect from, whatever a coordinator says: comma-separated, or CIDR ranges", func(list string) (err error) {
		c.Sources, err = loadtest.ParseSources(list)
		return err
	})
	rest, err := parseFlags(set, args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stdout, agentHelp)
		printFlags(stdout, set)
		return nil, err
	}
	if len(rest) > 0 {
		err = errors.Join(err, fmt.Errorf("an agent takes no arguments besides flags, not %q", rest[0]))
	}
	if err != nil {
		return nil, err
	}
	c.Token, err = agentToken(*tokenFile, "--token-file")
	return opts, err
}

// runAgent serves coordinators until it is told to stop.
func runAgent(args []string, stdout, stderr io.Writer) int {
	opts, err := parseAgentOptions(args, stdout)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		complain(stderr, "agent", err)
		return exitUsage
	}
	ctx, stop := interruptible(stderr)
	defer stop()
	listener, err := net.Listen("tcp", opts.listen)
	if err != nil {
		complain(stderr, "agent", err)
		return exitFailed
	}
	var mu sync.Mutex
	opts.config.Log = func(line string) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(stderr, "%s %s\n", time.Now().UTC().Format(time.RFC3339), line)
	}
	opts.config.Log("wsload agent: waiting at " + listener.Addr().String())
	if err := loadtest.ServeAgent(ctx, listener, opts.config); err != nil {
		complain(stderr, "agent", err)
		if errors.Is(err, loadtest.ErrUsage) {
			return exitUsage
		}
		return exitFailed
	}
	return exitOK
}
