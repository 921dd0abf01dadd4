package loadtest

import (
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"time"
)

// Scenario says what the connections of a run do.
type Scenario string

// The scenarios.
const (
	// Fanout subscribes all connections to channels and publishes to them, over HTTP or by WebSocket.
	Fanout Scenario = "fanout"
	// Echo sends messages on the connections themselves and expects each back, byte for byte.
	Echo Scenario = "echo"
	// Idle holds connections that do nothing but answer pings.
	Idle Scenario = "idle"
)

// Config describes a run. The zero value of a field takes its default, except where it says otherwise.
type Config struct {
	// Scenario and URL (ws://host:port/path) are required.
	Scenario Scenario
	URL      string

	// Conns is the number of connections (default 1000).
	Conns int
	// Duration is how long it is measured for, after Warmup (default 10 s).
	Duration time.Duration
	// Warmup publishes or sends without measuring; the ledger counts it nevertheless. Zero means none.
	Warmup time.Duration
	// Settle is the pause between the last connection's subscription and the first message, in which the server's
	// resident memory comes to rest. Zero means none.
	Settle time.Duration
	// Drain bounds the wait for what is still under way when the sending has ended (default 5 s).
	Drain time.Duration
	// all takes the place of the deliveries that are owed in tests that know how many get lost: it says that all has come.
	all func(p progress) bool
	// SetupTimeout bounds one connection's way from connect to subscribed (default 20 s).
	SetupTimeout time.Duration

	// Processes is the number of worker processes; 0 takes as many as the limit on open files asks for, which is none
	// besides this one where it suffices.
	Processes int
	// Threads is the number of epoll loops per process (default: 2, or 1 on a single core).
	Threads int
	// ConnectRate is how many connections are opened per second, in an open loop (default 4000).
	ConnectRate float64
	// MaxInFlight bounds the connections that are being set up at a time (default 1000).
	MaxInFlight int
	// Sources are the local addresses to connect from, in turns. None: the system chooses, but a loopback IPv4 target
	// is reached from as many addresses of 127.0.0.0/8 as the ports ask for.
	Sources []netip.Prefix
	// Also are the addresses of further nodes of the same service: connections go to the URL's and to these by turns, and so do those that come back. The Host of all handshakes,
	// and the publications, stay the URL's.
	Also []netip.AddrPort
	// Header lines, each "Name: value", go with each handshake and each publication.
	Header []string

	// Channel is the channel of Fanout and Idle (default "load", or the one the URL names).
	Channel string
	// NoSubscribe leaves connections without a subscription.
	NoSubscribe bool
	// Stalled (Idle) connections have a small receive buffer and, once set up, never read again: slow consumers, to be run
	// beside a Fanout. That the server ends them is no failure.
	Stalled bool
	// Payload is the length of a message in bytes, at least MinPayload (default 128).
	Payload int
	// Rate is publications (Fanout) or messages (Echo) per second in all. 0 means 8 for Fanout, and for Echo a closed
	// loop with one message outstanding per connection.
	Rate float64
	// Arrivals spreads messages over time (default: evenly). Steps bring rates of their own, and Rate becomes the highest.
	Arrivals Arrivals
	// Seed of random arrivals: equal seeds give equal times. The zero is a seed like any other.
	Seed uint64
	// Outstanding publications go out back to back at each scheduled time (default 1). Rate counts publications.
	Outstanding int
	// Publishers is the number of connections that publish; order is checked for each of them. Default: Outstanding, and one
	// for each 50 publications per second up to 16; with several topics, one for each up to 64.
	Publishers int
	// PublishURL is where publications are posted (default: the URL's host, path /api/publish).
	PublishURL string

	// Phases (Fanout) divide the run: connections come and go, rates change. They take the place of Duration and Warmup, and
	// Conns is how many connections there are before the first of them. Name (default "phases") is what to
	// call them together, for people.
	Phases []PhasePlan
	Name   string
	// NoRetry leaves a connection of a run with phases that the server has refused or ended. Otherwise it is tried again after
	// a random time up to Backoff (default 100 ms), which doubles with each attempt up to 10 s.
	NoRetry bool
	Backoff time.Duration
	// Recover lets connections that come back ask for what they have missed, as the protocol says (Protocol.Recover): they are owed
	// everything, across all breaks. Without it, each life is on its own.
	Recover bool
	// Ticket has connections come back by what the server has given them for that (Protocol.Recover.Ticket), in one message. It needs Recover.
	Ticket bool
	// Token is what connections connect with, by a message (Protocol.Connect). Default: none.
	Token   string
	initial int // what Conns was; with phases, Conns becomes the most that there are at a time
	// Messages and topics.

	// Protocol is how the server is spoken to (default: Recipe "echo" for Echo; otherwise "raw" where the URL looks like that,
	// and "wsedge").
	Protocol *Protocol
	// PublishBy chooses where the protocol has several ways to publish (default: HTTP, or as PublishURL says).
	PublishBy PublishBy
	// Topics (Fanout, Idle) is among how many channels the connections are divided; each is subscribed to one. From two on
	// their names are Channel with a number: load-0001 (default 1).
	Topics int
	// TopicSizes is how they are divided (default: evenly), and TopicRates how publications are (default RatesUniform).
	TopicSizes TopicSizes
	TopicRates TopicRates

	// TLS is for wss and https URLs; with others it must be left as it is.
	TLS TLS
	// Deflate offers permessage-deflate with the handshakes (default: not at all).
	Deflate Deflate
	// Agents hold the connections on other machines (see ServeAgent), each as many as its weight and its limits allow; with
	// none, this machine does. AgentToken is the secret that they hold, too. With agents, this machine only publishes, unless
	// WithLocal; Processes is for each machine, 0 takes what its files and cores are good for, and Sources are where an agent
	// has none of its own.
	Agents     []Agent
	AgentToken []byte
	WithLocal  bool
	silence    time.Duration // takes agentSilence's place in tests

	// Expect is compared with the report at the end; Report.Expectations has what came of it.
	Expect []Expectation

	// PID is the server's process, for its CPU time and memory; 0 leaves them out of the report.
	PID int

	// The server's side, and the floor beside it.

	// PIDs are more processes of the server; what they use is summed.
	PIDs []int
	// MetricsURL is where the server tells its metrics in Prometheus' text format: heap, collections and goroutines of a Go
	// server, and, where there is no PID, CPU time and memory.
	MetricsURL string
	// Floor runs the same settings against the floor as well, right before and after; its zero value does not.
	Floor FloorConfig

	// WorkerCommand starts a worker process; it must call RunWorker on its standard input and output. Default: this
	// executable with the single argument "worker".
	WorkerCommand []string
	// Progress receives a line each second; nil for none.
	Progress func(line string)
	// Observe is told how the run stands, four times a second and after the last second; nil for none. The run waits for
	// it to return.
	Observe func(Status)
}

// FloorConfig describes the floor that a server is compared with: see package floor.
type FloorConfig struct {
	// Rounds of the server, each between two of the floor; 0: none.
	Rounds int
	// Threads and Processes of the floor; 0: two threads, and as many processes as the limit on open files asks for.
	Threads, Processes int
	// Command starts a process of it; it must call floor.Run on its standard input and output. Default: this executable with
	// the single argument "floor-server".
	Command []string
}

// maxRate is more than any kernel sends one by one.
const maxRate = 1e7

// maxConns keeps a ledger of 16 publishers under 4 GiB.
const maxConns = 16 << 20

// withDefaults fills in what was left zero.
func (c Config) withDefaults() Config {
	setDefault(&c.Conns, 1000)
	setDefault(&c.Duration, 10*time.Second)
	setDefault(&c.Drain, 5*time.Second)
	setDefault(&c.SetupTimeout, 20*time.Second)
	setDefault(&c.Threads, defaultThreads())
	setDefault(&c.ConnectRate, 4000)
	setDefault(&c.MaxInFlight, 1000)
	setDefault(&c.Payload, 128)
	setDefault(&c.Outstanding, 1)
	setDefault(&c.Topics, 1)
	setDefault(&c.TopicRates, RatesUniform)
	if peak := c.Arrivals.peakRate(); peak > 0 {
		c.Rate = peak
	}
	if c.Scenario == Fanout && len(c.Phases) == 0 {
		setDefault(&c.Rate, 8)
	}
	c = c.withPhaseDefaults()
	atOnce := max(c.Outstanding, min(c.Arrivals.burst, 16))
	setDefault(&c.Publishers, max(atOnce, min(16, 1+int(c.Rate/50)), defaultTopicPublishers(c.Topics)))
	return c
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// validate reports all problems together.
func (c Config) validate() error {
	var problems []error
	complain := func(bad bool, format string, args ...any) {
		if bad {
			problems = append(problems, fmt.Errorf(format, args...))
		}
	}
	complain(c.Scenario != Fanout && c.Scenario != Echo && c.Scenario != Idle, "unknown scenario %q", c.Scenario)
	complain(c.Conns < 1 || c.Conns > maxConns, "conns must be 1 to %d", maxConns)
	complain(c.Duration < 0 || c.Warmup < 0 || c.Settle < 0 || c.Drain < 0 || c.SetupTimeout < 0, "durations must not be negative")
	complain(c.Processes < 0 || c.Processes > maxProcesses, "processes must be 0 to %d", maxProcesses)
	complain(c.Threads < 1 || c.Threads > 256, "threads must be 1 to 256")
	complain(!(c.ConnectRate > 0 && c.ConnectRate <= maxRate), "connect-rate must be above 0 and up to %d", int(maxRate)) // refuses NaN as well
	complain(c.MaxInFlight < 1, "max-in-flight must be at least 1")
	complain(c.Payload < MinPayload || c.Payload > MaxPayload, "payload must be %d to %d bytes", MinPayload, MaxPayload)
	complain(!(c.Rate >= 0 && c.Rate <= maxRate), "rate must be 0 to %d", int(maxRate))
	complain(c.Outstanding > 1 && c.Arrivals.burst > 0, "outstanding and arrivals burst:N say the same: give one of them")
	complain(c.Arrivals.kind != arriveConstantly && c.Rate == 0, "arrivals %s need a rate: a closed loop sends when answers come", c.Arrivals)
	complain(c.Outstanding < 1 || c.Outstanding > 1024, "outstanding must be 1 to 1024")
	complain(c.Publishers < 1 || c.Publishers > 1024, "publishers must be 1 to 1024")
	complain(c.PID < 0, "pid must not be negative")
	c.validatePhases(complain)
	problems = append(problems, c.validateMessages()...)
	for _, pid := range c.PIDs {
		complain(pid < 1, "process %d cannot be", pid)
	}
	complain(c.Floor.Rounds > 0 && (len(c.Agents) > 0 || len(c.Phases) > 0), "the floor is for one machine, and for runs without phases")
	complain(c.Floor.Rounds < 0 || c.Floor.Rounds > 100, "floor-rounds must be 0 to 100")
	complain(!c.Deflate.valid(), "deflate must be each or takeover, not %q", c.Deflate)
	if _, err := c.TLS.config(""); err != nil {
		problems = append(problems, err)
	}
	complain(c.Ticket && !c.Recover, "ticket needs recover")
	complain(!validToken(c.Token), "the token has characters that no token has")
	for _, line := range c.Header {
		complain(!validHeaderLine(line), "header must be \"Name: value\", not %q", line)
	}
	return errors.Join(append(problems, c.agentProblems())...)
}

// defaultTopicPublishers keeps topics out of each other's way: a publisher has one publication under way at a time, whatever
// its topic.
func defaultTopicPublishers(topics int) int {
	if topics < 2 {
		return 0
	}
	return min(topics, 64)
}

// validateMessages is for protocols and topics.
func (c *Config) validateMessages() (problems []error) {
	complain := func(bad bool, format string, args ...any) {
		if bad {
			problems = append(problems, fmt.Errorf(format, args...))
		}
	}
	complain(c.Topics < 1 || c.Topics > c.Conns, "topics must be 1 to the number of connections: each has a subscriber")
	complain(c.Topics > 1 && c.Scenario == Echo, "an echo has no topics")
	complain(c.TopicRates != RatesUniform && c.TopicRates != RatesBySize, "topic-rates must be %s or %s, not %q", RatesUniform, RatesBySize, c.TopicRates)
	complain(c.PublishBy != "" && c.PublishBy != PublishByHTTP && c.PublishBy != PublishByWebSocket,
		"publish-by must be %s or %s, not %q", PublishByHTTP, PublishByWebSocket, c.PublishBy)
	if c.Protocol != nil {
		if err := c.Protocol.Validate(); err != nil {
			problems = append(problems, prefixed("protocol", err))
		}
	}
	return problems
}

// defaultThreads leaves the other cores to the server.
func defaultThreads() int { return min(2, runtime.NumCPU()) }
