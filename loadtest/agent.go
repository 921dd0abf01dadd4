package loadtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/wsedge/wsedge/loadtest/link"
)

// Agent is another machine's process that holds connections for a run: ServeAgent there.
type Agent struct {
	// Address is host:port.
	Address string
	// Weight is its share of the connections against the other agents'; 0 takes the number of its cores.
	Weight float64
}

// ParseAgents reads a comma-separated list of HOST:PORT or HOST:PORT=WEIGHT.
func ParseAgents(list string) ([]Agent, error) {
	var agents []Agent
	for item := range strings.SplitSeq(list, ",") {
		address, weight, weighted := strings.Cut(strings.TrimSpace(item), "=")
		if _, port, err := net.SplitHostPort(address); err != nil || port == "" {
			return nil, fmt.Errorf("agent %q: want HOST:PORT or HOST:PORT=WEIGHT", item)
		}
		a := Agent{Address: address}
		if weighted {
			var err error
			// "not (0 < weight)" refuses NaN as well.
			if a.Weight, err = strconv.ParseFloat(weight, 64); err != nil || !(a.Weight > 0 && a.Weight <= maxWeight) {
				return nil, fmt.Errorf("agent %q: the weight must be a number above 0 and up to %d", item, int(maxWeight))
			}
		}
		agents = append(agents, a)
	}
	return agents, nil
}

const (
	maxAgents = 256
	maxWeight = 1e6
	// agentSilence is how long an agent may say nothing, or its coordinator. Each asks the other for the time twice a
	// second; ten seconds is longer than any pause that leaves a measurement worth having.
	agentSilence = 10 * time.Second
)

// agentProblems are what is wrong with the agents of a configuration.
func (c Config) agentProblems() error {
	if len(c.Agents) == 0 {
		if c.WithLocal {
			return errors.New("with-local goes with agents only")
		}
		return nil
	}
	var problems []error
	if len(c.Agents) > maxAgents {
		problems = append(problems, fmt.Errorf("%d agents; at most %d are allowed", len(c.Agents), maxAgents))
	}
	if _, err := link.NewToken(c.AgentToken); err != nil {
		problems = append(problems, fmt.Errorf("agents: %w", err))
	}
	seen := map[string]bool{}
	for _, a := range c.Agents {
		if seen[a.Address] {
			problems = append(problems, fmt.Errorf("agent %s is named twice", a.Address))
		}
		if !(a.Weight >= 0 && a.Weight <= maxWeight) {
			problems = append(problems, fmt.Errorf("agent %s: the weight must be 0 to %d", a.Address, int(maxWeight)))
		}
		seen[a.Address] = true
	}
	return errors.Join(problems...)
}

// AgentConfig describes an agent. Token is required; the zero value of all else is useful.
type AgentConfig struct {
	// Token is the secret that coordinators have to hold as well: random, at least link.MinTokenBytes long.
	Token []byte
	// Allow are the targets that load may go to; none: all. Danger: with none, who holds the token can have this machine
	// put load on whatever it reaches.
	Allow []TargetRule
	// Sources are the local addresses to connect from; they override what a coordinator asks for.
	Sources []netip.Prefix
	// WorkerCommand is as in Config.
	WorkerCommand []string
	// Log receives a line for whatever somebody wants of the agent; nil for none. It is called from several goroutines.
	Log func(line string)

	// silence takes agentSilence's place in tests.
	silence time.Duration
}

// TargetRule is what an agent allows load on: a range of addresses on all ports, or one host and port.
type TargetRule struct {
	prefix netip.Prefix // valid, or else the rest counts
	host   string
	port   uint16
}

// ParseTargetRule reads an address range such as 10.0.0.0/8, or HOST:PORT.
func ParseTargetRule(text string) (TargetRule, error) {
	if prefix, err := netip.ParsePrefix(text); err == nil {
		return TargetRule{prefix: prefix.Masked()}, nil
	}
	host, port, err := net.SplitHostPort(text)
	number, portErr := strconv.ParseUint(port, 10, 16)
	if err != nil || portErr != nil || host == "" || number == 0 {
		return TargetRule{}, fmt.Errorf("target %q is neither a CIDR range such as 10.0.0.0/8 nor HOST:PORT", text)
	}
	return TargetRule{host: host, port: uint16(number)}, nil
}

// String is what ParseTargetRule reads.
func (r TargetRule) String() string {
	if r.prefix.IsValid() {
		return r.prefix.String()
	}
	return net.JoinHostPort(r.host, strconv.Itoa(int(r.port)))
}

// allows says whether load may go to an address. A host's name is looked up each time.
func (r TargetRule) allows(ctx context.Context, target netip.AddrPort) bool {
	address := target.Addr().Unmap()
	if r.prefix.IsValid() {
		return r.prefix.Contains(address)
	}
	if r.port != target.Port() {
		return false
	}
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", r.host)
	for _, a := range found {
		if err == nil && a.Unmap() == address {
			return true
		}
	}
	return false
}

// allowed returns an error for a target that none of the rules allows.
func allowed(ctx context.Context, rules []TargetRule, target netip.AddrPort) error {
	if len(rules) == 0 {
		return nil
	}
	names := make([]string, len(rules))
	for i, r := range rules {
		if r.allows(ctx, target) {
			return nil
		}
		names[i] = r.String()
	}
	return fmt.Errorf("this agent puts no load on %v: it allows %s", target, strings.Join(names, ", "))
}
