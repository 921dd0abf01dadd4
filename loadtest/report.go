package loadtest

import (
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"time"
)

// SchemaVersion names the shape of a Report in JSON; it changes when a field changes its meaning.
const SchemaVersion = "wsload/1"

// Report is what came of a run. Times are in the unit that the JSON name ends in; latencies count from the intended time.
type Report struct {
	Schema      string      `json:"schema"`
	Command     []string    `json:"command"`
	Started     time.Time   `json:"started"`
	Environment Environment `json:"environment"`
	Config      ConfigEcho  `json:"config"`
	Run         string      `json:"run"` // as in the stamps
	Interrupted bool        `json:"interrupted"`
	Window      Window      `json:"window"`

	Errors       ErrorCounts       `json:"errors"` // of connections; Publications has its own
	Connections  Connections       `json:"connections"`
	Publications PublicationCounts `json:"publications"` // Fanout
	Ledger       LedgerCounts      `json:"ledger"`

	// Latency is of each delivery (Fanout) or round trip (Echo) within the window.
	Latency Percentiles `json:"latency"`
	// LatencyCurve is the same at more quantiles, as far as the count bears them out.
	LatencyCurve []CurvePoint `json:"latency_curve"`
	// ClosedLoop says that Latency counts from the actual sending: the next message waits for the answer.
	ClosedLoop bool `json:"closed_loop"`
	// Completion is from a publication to its last receiver, FirstReceiver to its first; complete publications only.
	Completion    Percentiles `json:"completion"`
	FirstReceiver Percentiles `json:"first_receiver"`
	// Incomplete publications, within the window, did not reach all subscribers.
	Incomplete uint64 `json:"incomplete_publications"`
	// Acknowledgement is from a publication to what acknowledged it (config.acknowledged_by).
	Acknowledgement Percentiles `json:"acknowledgement"`

	// Topics says what topics there were; TopicClasses, from two on, how deliveries to small ones went beside those to large ones.
	Topics       TopicCounts  `json:"topics"`
	TopicClasses []TopicClass `json:"topic_classes"`

	TLS     *TLSReport     `json:"tls,omitempty"`     // with a wss URL
	Deflate *DeflateReport `json:"deflate,omitempty"` // where it was offered

	Messages  Messages   `json:"messages"`
	Server    *Server    `json:"server,omitempty"` // with a PID or a metrics URL
	Generator Generator  `json:"generator"`
	Seconds   []Interval `json:"seconds"`
	Verdict   Verdict    `json:"verdict"`
	// Phases are those of Config.Phases, in order; an expectation may call them by name: "phases.storm.back.last<5s".
	Phases []PhaseReport `json:"phases"`
	Slow   *SlowReport   `json:"slow,omitempty"` // where a phase has slow connections
	// Recovery is what came of the returns of all phases, with Config.Recover.
	Recovery *RecoveryReport `json:"recovery,omitempty"`
	// Agents are the other machines of the run, in the order they were named in.
	Agents []AgentReport `json:"agents"`
	// ClockReasons say whose clock was not known well enough for what was measured by it: latencies are invalid then.
	ClockReasons []string `json:"clock_reasons"`
	// Floor is what the floor took, and Ratios what the server did in proportion; both with Config.Floor.
	Floor  *FloorReport `json:"floor,omitempty"`
	Ratios *Ratios      `json:"ratios,omitempty"`
	// Expectations are those of Config.Expect, in order.
	Expectations []ExpectationResult `json:"expectations"`
}

// MeetsExpectations says whether all of Expectations were met.
func (r *Report) MeetsExpectations() bool {
	return !slices.ContainsFunc(r.Expectations, func(e ExpectationResult) bool { return !e.OK })
}

// Environment describes the machine of the generator.
type Environment struct {
	Host        string `json:"host"`
	Kernel      string `json:"kernel"`
	CPU         string `json:"cpu"`
	Cores       int    `json:"cores"`
	UsableCores int    `json:"usable_cores"` // by this process's affinity
	MemoryBytes int64  `json:"memory_bytes"`
	OS          string `json:"os"`
	Arch        string `json:"arch"`
	Go          string `json:"go"`
	Version     string `json:"version"`  // of the generator's module, where the build knows it
	Revision    string `json:"revision"` // the commit of its source, where the build knows it
	Modified    bool   `json:"modified"` // that source had changes which are in no commit

	// OpenFiles is the generator's limit on open files (RLIMIT_NOFILE), and OpenFilesHard what it may be raised to.
	OpenFiles     uint64 `json:"open_files"`
	OpenFilesHard uint64 `json:"open_files_hard"`
	// Sysctls are the kernel's settings that bound connections and buffers, by name; what a kernel does not have is left out.
	Sysctls map[string]string `json:"sysctls"`
}

func newEnvironment() Environment {
	env := Environment{Cores: runtime.NumCPU(), UsableCores: runtime.NumCPU(), OS: runtime.GOOS, Arch: runtime.GOARCH, Go: runtime.Version()}
	env.Host, _ = os.Hostname()
	if info, ok := debug.ReadBuildInfo(); ok {
		env.Version = info.Main.Version
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				env.Revision = s.Value
			case "vcs.modified":
				env.Modified = s.Value == "true"
			}
		}
	}
	return env
}

// ConfigEcho is the configuration with all defaults filled in.
type ConfigEcho struct {
	Scenario    Scenario `json:"scenario"`
	URL         string   `json:"url"`
	Also        []string `json:"also,omitempty"` // further nodes
	PublishURL  string   `json:"publish_url,omitempty"`
	Channel     string   `json:"channel"`
	Conns       int      `json:"conns"`
	Processes   int      `json:"processes"`
	Threads     int      `json:"threads"`
	Payload     int      `json:"payload_bytes"`
	Rate        float64  `json:"rate_per_s"` // the highest, with steps
	Arrivals    string   `json:"arrivals"`   // as ParseArrivals reads them
	Seed        uint64   `json:"seed"`
	Outstanding int      `json:"outstanding"`
	Publishers  int      `json:"publishers"`
	Duration    float64  `json:"duration_s"`
	Warmup      float64  `json:"warmup_s"`
	Settle      float64  `json:"settle_s"`
	ConnectRate float64  `json:"connect_rate_per_s"`
	MaxInFlight int      `json:"max_in_flight"`
	Stalled     bool     `json:"stalled,omitempty"`
	Name        string   `json:"name,omitempty"`    // of a run with phases
	Recover     bool     `json:"recover,omitempty"` // connections that came back asked for what they had missed
	Deflate     Deflate  `json:"deflate,omitempty"` // what was offered

	// Protocol is its name; AcknowledgedBy tells what counted as an acknowledgement: "http", "reply", "delivery", or "none"
	// where being written was enough (Fanout).
	Protocol       string `json:"protocol"`
	PublishBy      string `json:"publish_by,omitempty"`
	AcknowledgedBy string `json:"acknowledged_by,omitempty"`
	Topics         int    `json:"topics"`
	TopicSizes     string `json:"topic_sizes"` // as ParseTopicSizes reads them
	TopicRates     string `json:"topic_rates"`
}

// Title is what to call the run: the name of its phases together, or its scenario.
func (c ConfigEcho) Title() string {
	if c.Name != "" {
		return c.Name
	}
	return string(c.Scenario)
}

// Connections says how the setup went.
type Connections struct {
	Wanted      int `json:"wanted"`
	Established int `json:"established"`
	// Failures are connections that were never ready, by cause; Endings are those that ended before they should.
	Failures map[string]uint64 `json:"failures"`
	Endings  map[string]uint64 `json:"endings"`
	// Retries are setups that failed and were tried again, by cause; only in a run with phases.
	Retries   map[string]uint64 `json:"retries,omitempty"`
	SetupSecs float64           `json:"setup_s"`
	Connect   Percentiles       `json:"connect"`   // connect to the end of the handshake
	TLS       Percentiles       `json:"tls"`       // of it, the TLS handshake
	Subscribe Percentiles       `json:"subscribe"` // the end of the handshake to that of the protocol's setup
}

// Messages counts what else went over the connections.
type Messages struct {
	Sent          uint64 `json:"sent"` // Echo
	Measured      uint64 `json:"measured"`
	InWindow      uint64 `json:"arrived_in_window"` // whenever they were due
	BytesReceived uint64 `json:"bytes_received"`    // from the sockets: with TLS, its records; with permessage-deflate, compressed
	Reads         uint64 `json:"reads"`
	Pings         uint64 `json:"pings"`
	GapNotices    uint64 `json:"gap_notices"`
	Answers       uint64 `json:"answers"` // to messages that asked for one, such as heartbeats of the protocol
	Other         uint64 `json:"other"`
	Stale         uint64 `json:"stale"` // of another run
}

// Generator says whether the generator kept up.
type Generator struct {
	Bottleneck bool `json:"bottleneck"`
	// Reasons are given where it did not.
	Reasons []string `json:"reasons"`
	// CPUBusy is the busiest process's CPU time per wall time and usable thread; LoopBusy the busiest loop's.
	CPUBusy        float64 `json:"cpu_busy"`
	LoopBusy       float64 `json:"loop_busy"`
	CPUPerDelivery float64 `json:"generator_cpu_us_per_delivery"` // of all processes, in the window
	Late           uint64  `json:"late_sends"`
	// LoopLag is how late the loops came round to what was due: an arrival is noted as much later as that.
	LoopLag Percentiles `json:"loop_lag"`
}

// Window says when the run did what, in seconds after its start; all are 0 where it did not get as far.
type Window struct {
	SendSecs float64 `json:"send_s"` // sending began
	FromSecs float64 `json:"from_s"` // measuring began
	EndSecs  float64 `json:"end_s"`  // both ended
}

// CurvePoint is one point of a percentile curve.
type CurvePoint struct {
	Quantile float64 `json:"quantile"` // 0 to 1
	Micros   int64   `json:"us"`
}

// Interval is one second of the run; the last is what is left of one. Percentiles are of the measured deliveries that arrived
// in it, 0 without any.
type Interval struct {
	At        float64 `json:"at_s"` // its end, after the start of the run
	Length    float64 `json:"length_s"`
	Conns     int     `json:"conns"`
	Published uint64  `json:"published"` // so far; messages sent, in an echo
	Delivered uint64  `json:"delivered"` // in this second
	P50       int64   `json:"p50_us"`
	P99       int64   `json:"p99_us"`
	Max       int64   `json:"max_us"`
	Late      uint64  `json:"late"`    // sends behind their time by the generator's fault, so far
	Missing   uint64  `json:"missing"` // deliveries that have not come though a later one has, at its end
	Faulty    uint64  `json:"faulty"`  // deliveries duplicated, reordered, corrupted or misdelivered, so far
	// GeneratorCPU and ServerCPU are CPU time per time: 1 is one core.
	GeneratorCPU float64 `json:"generator_cpu"`
	ServerCPU    float64 `json:"server_cpu"`       // 0 without a PID
	ServerRSS    int64   `json:"server_rss_bytes"` // at its end, to within some pages; 0 without a PID
	// Phase (Config.Phases) is that in which it ended, "" outside of all; Ready is the connections that became so in it.
	Phase string `json:"phase"`
	Ready uint64 `json:"ready"`
	// With a metrics URL, as of the last scrape; 0 where it does not say.
	ServerHeap       int64 `json:"server_heap_bytes"`
	ServerGoroutines int64 `json:"server_goroutines"`
}

// Verdict is the answer to the question whether all went well.
type Verdict struct {
	OK      bool     `json:"ok"`
	Reasons []string `json:"reasons"` // what did not
	// Invalid says that the generator was the bottleneck: latencies and rates say more about it than about the server. What
	// was lost, doubled, swapped or corrupted is so nevertheless. Generator has the reasons, or ClockReasons where
	// latencies between machines are smaller than what is known of their clocks.
	Invalid bool `json:"invalid"`
}
