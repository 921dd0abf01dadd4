package loadtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// SearchVersion names the shape of a SearchResult in JSON.
const SearchVersion = "wsload-search/1"

// SearchConfig describes a search for the highest rate, or the most connections, at which all goals are met.
type SearchConfig struct {
	// Config is that of each run, but for what Over varies. Each run has fresh connections.
	Config Config
	// Over is what to vary.
	Over Axis
	// From is where to begin, and To what not to go beyond. Both are required.
	From, To float64
	// Precision is how near to the limit is near enough, as a share of it (default 0.05).
	Precision float64
	// Rounds is how many runs decide about a value, by their majority (default 1).
	Rounds int
	// NoConfirm takes a failure at its word. Otherwise it is tried once more, and that decides.
	NoConfirm bool
	// Goals are what a run has to meet, besides losing nothing and having a generator that keeps up.
	Goals []Expectation
	// AcceptInvalid judges a run by its goals even where the generator was the bottleneck: the limit is then that of both
	// together, and no less than that can be said of the server.
	AcceptInvalid bool
	// Pause between two runs, in which the server gets rid of the last one's connections (default 1 s).
	Pause time.Duration
	// Told is called with each step; nil for none.
	Told func(Step)

	measure func(context.Context, Config) (*Report, error) // for tests; nil is Run
}

// SearchResult is what came of a search.
type SearchResult struct {
	Schema      string      `json:"schema"`
	Command     []string    `json:"command"`
	Started     time.Time   `json:"started"`
	Environment Environment `json:"environment"`
	Scenario    Scenario    `json:"scenario"`
	URL         string      `json:"url"`
	Over        Axis        `json:"over"`
	From        float64     `json:"from"`
	To          float64     `json:"to"`
	Precision   float64     `json:"precision"`
	Rounds      int         `json:"rounds"`
	Confirm     bool        `json:"confirm"`
	Goals       []string    `json:"goals"`
	// AcceptInvalid: see SearchConfig.
	AcceptInvalid bool          `json:"accept_invalid"`
	Outcome       SearchOutcome `json:"outcome"`
	// Limit is the highest value that passed, 0 if none did; FailedAt the lowest that failed above it, 0 if none did.
	Limit    float64 `json:"limit"`
	FailedAt float64 `json:"failed_at"`
	// LimitedBy is the cause of the failure at FailedAt. Where it is "generator", the server's limit is not known: it is no
	// less than Limit.
	LimitedBy string `json:"limited_by"`
	Steps     []Step `json:"steps"`
}

// Search runs until the limit is found. When ctx is done it ends with what there is, as SearchUnfinished. An error means that
// the configuration was bad (ErrUsage) or that a run could not be made at all; the result then has the steps before.
func Search(ctx context.Context, cfg SearchConfig) (*SearchResult, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, usageError(err)
	}
	b := newBisection(cfg.From, cfg.To, cfg.Precision, cfg.Over == OverConns, cfg.Rounds, !cfg.NoConfirm)
	s := &stepper{config: cfg.Config, over: cfg.Over, goals: cfg.Goals, lenient: cfg.AcceptInvalid, pause: cfg.Pause, measure: cfg.measure, told: cfg.Told}
	result := &SearchResult{
		Schema: SearchVersion, Command: withoutSecrets(os.Args), Started: time.Now(), Environment: newEnvironment(),
		Scenario: cfg.Config.Scenario, URL: cfg.Config.URL, Over: cfg.Over, From: cfg.From, To: cfg.To,
		Precision: cfg.Precision, Rounds: cfg.Rounds, Confirm: !cfg.NoConfirm, Goals: []string{}, AcceptInvalid: cfg.AcceptInvalid, Steps: []Step{},
	}
	for _, g := range cfg.Goals {
		result.Goals = append(result.Goals, g.String())
	}
	err := result.run(ctx, b, s)
	result.Outcome, result.Limit, result.FailedAt = b.outcome, b.good, b.bad
	result.LimitedBy = result.blame()
	return result, err
}

func (r *SearchResult) run(ctx context.Context, b *bisection, s *stepper) error {
	for {
		value, tries, more := b.next()
		if !more {
			return nil
		}
		step, ok, err := s.step(ctx, value, tries+1)
		if err != nil || !ok {
			return err
		}
		r.Environment = s.env
		r.Steps = append(r.Steps, step)
		b.note(step.OK)
	}
}

// blame is the cause of the last failure at the limit.
func (r *SearchResult) blame() (cause string) {
	for _, s := range r.Steps {
		if s.Value == r.FailedAt && !s.OK {
			cause = s.Cause
		}
	}
	return cause
}

func (c SearchConfig) withDefaults() SearchConfig {
	setDefault(&c.Precision, 0.05)
	setDefault(&c.Rounds, 1)
	setDefault(&c.Pause, time.Second)
	if c.measure == nil {
		c.measure = Run
	}
	return c
}

func (c SearchConfig) validate() error {
	problems := []error{validateAxis(c.Config, c.Over, c.From, c.To)}
	if c.To == 0 {
		problems = append(problems, errors.New("a search needs an end: to"))
	}
	if !(c.Precision > 0 && c.Precision <= 1) {
		problems = append(problems, errors.New("precision must be above 0 %, and at most 100 %"))
	}
	if c.Rounds < 1 || c.Rounds > 99 {
		problems = append(problems, errors.New("rounds must be 1 to 99"))
	}
	if len(c.Goals) == 0 {
		problems = append(problems, errors.New("a search needs a goal, such as p99<50ms"))
	}
	if c.Pause < 0 {
		problems = append(problems, errors.New("durations must not be negative"))
	}
	return errors.Join(problems...)
}

// WriteText prints the result for people.
func (r *SearchResult) WriteText(w io.Writer) error {
	var out strings.Builder
	fmt.Fprintf(&out, "search over %s: %s %s, %s\n", r.Over, r.Scenario, r.URL, strings.Join(r.Goals, ", "))
	for _, s := range r.Steps {
		fmt.Fprintf(&out, "  %s\n", s.Line(r.Over))
	}
	fmt.Fprintf(&out, "result: %s\n", r.Line())
	_, err := io.WriteString(w, out.String())
	return err
}

// Line is the result in a sentence.
func (r *SearchResult) Line() string {
	at := r.Over.print
	switch {
	case r.Outcome == SearchNever && r.LimitedBy == CauseGenerator:
		return fmt.Sprintf("UNKNOWN: already at %s the generator was the bottleneck", at(r.FailedAt))
	case r.Outcome == SearchNever:
		return fmt.Sprintf("not even %s (%s)", at(r.FailedAt), r.LimitedBy)
	case r.Outcome == SearchAlways:
		return fmt.Sprintf("at least %s: all that was asked for", at(r.Limit))
	case r.Outcome == SearchUnfinished && r.Limit == 0:
		return "unfinished: nothing is known"
	case r.Outcome == SearchUnfinished:
		return fmt.Sprintf("unfinished: at least %s", at(r.Limit))
	case r.LimitedBy == CauseGenerator:
		return fmt.Sprintf("%s is the GENERATOR's limit, not the server's: at %s it was the bottleneck", at(r.Limit), at(r.FailedAt))
	default:
		return fmt.Sprintf("%s; at %s no more (%s)", at(r.Limit), at(r.FailedAt), r.LimitedBy)
	}
}

// WriteJSON writes the result as docs/wsload-search.schema.json describes it.
func (r *SearchResult) WriteJSON(w io.Writer) error {
	filled := *r
	filled.Steps = filledSteps(r.Steps)
	return writeFilled(w, &filled)
}
