package loadtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// synthetic is a server whose latency grows without bounds as the rate comes near its capacity. From its own limit on, the
// generator is the bottleneck; from fails on, something is lost.
type synthetic struct {
	capacity, generator, loses float64
	asked                      []float64
}

func (s *synthetic) run(ctx context.Context, cfg Config) (*Report, error) {
	cfg = cfg.withDefaults()
	s.asked = append(s.asked, cfg.Rate)
	us := int64(1000 / max(1-cfg.Rate/s.capacity, 0.001))
	r := &Report{
		Schema: SchemaVersion, Run: "0000002a", Config: ConfigEcho{Scenario: cfg.Scenario, Rate: cfg.Rate, Arrivals: cfg.Arrivals.String()},
		Connections: Connections{Wanted: 10, Established: 10},
		Window:      Window{SendSecs: 1, FromSecs: 1, EndSecs: 3},
		Messages:    Messages{InWindow: uint64(20 * min(cfg.Rate, s.capacity))},
		Latency:     Percentiles{Count: 100, P50: us / 2, P99: us, Max: 2 * us}, Verdict: Verdict{OK: true},
	}
	if s.generator > 0 && cfg.Rate > s.generator {
		r.Verdict.Invalid, r.Generator = true, Generator{Bottleneck: true, Reasons: []string{"a loop was busy"}}
	}
	if s.loses > 0 && cfg.Rate > s.loses {
		r.Verdict, r.Ledger.Lost = Verdict{Reasons: []string{"3 deliveries lost"}}, 3
	}
	return r, ctx.Err()
}

func goals(t *testing.T, texts ...string) (list []Expectation) {
	t.Helper()
	for _, text := range texts {
		e, err := ParseExpectation(text)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, e)
	}
	return list
}

func TestSearch(t *testing.T) {
	for _, c := range []struct {
		name    string
		server  synthetic
		outcome SearchOutcome
		limit   float64 // 0: none
		by      string
		says    string
	}{
		{"latency", synthetic{capacity: 1000}, SearchFound, 900, CauseGoal, "at 9"}, // 1 ms / (1 − 0.9) is 10 ms
		{"generator", synthetic{capacity: 1000, generator: 300}, SearchFound, 300, CauseGenerator, "GENERATOR's limit"},
		{"loss", synthetic{capacity: 1000, loses: 500}, SearchFound, 500, CauseFailed, "(failed)"},
		{"never", synthetic{capacity: 5}, SearchNever, 0, CauseGoal, "not even 10/s (goal)"},
		{"generator at once", synthetic{capacity: 1000, generator: 1}, SearchNever, 0, CauseGenerator, "UNKNOWN"},
		{"always", synthetic{capacity: 1e9}, SearchAlways, 5000, "", "at least 5000/s"},
	} {
		t.Run(c.name, func(t *testing.T) {
			told := 0
			r, err := Search(context.Background(), SearchConfig{
				Config: Config{Scenario: Fanout, URL: "ws://h/ws"}, Over: OverRate, From: 10, To: 5000, Goals: goals(t, "p99<=10ms"),
				Pause: time.Nanosecond, Told: func(Step) { told++ }, measure: c.server.run,
			})
			if err != nil {
				t.Fatal(err)
			}
			near := r.Limit <= c.limit && r.Limit >= c.limit/1.06
			if r.Outcome != c.outcome || !near || r.LimitedBy != c.by || told != len(r.Steps) || !strings.Contains(r.Line(), c.says) {
				t.Errorf("%s %g by %q after %d steps: %s", r.Outcome, r.Limit, r.LimitedBy, len(r.Steps), r.Line())
			}
			checkStepSchema(t, "../docs/wsload-search.schema.json", r.WriteJSON)
			var text strings.Builder
			if err := r.WriteText(&text); err != nil || strings.Count(text.String(), "\n") != len(r.Steps)+2 {
				t.Errorf("%s, %v", text.String(), err)
			}
		})
	}
}

// TestSearchAcceptsInvalid: the limit of both together is beyond where the generator began to be the bottleneck.
func TestSearchAcceptsInvalid(t *testing.T) {
	s := synthetic{capacity: 1000, generator: 300}
	r, err := Search(context.Background(), SearchConfig{
		Config: Config{Scenario: Fanout, URL: "ws://h/ws"}, Over: OverRate, From: 10, To: 5000, Goals: goals(t, "p99<=10ms"),
		AcceptInvalid: true, Pause: time.Nanosecond, measure: s.run,
	})
	if err != nil || r.Limit < 850 || r.LimitedBy != CauseGoal {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestSearchIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	s := synthetic{capacity: 1000}
	cfg := SearchConfig{
		Config: Config{Scenario: Echo, URL: "ws://h/ws"}, Over: OverRate, From: 10, To: 5000, Goals: goals(t, "p99<=10ms"), Pause: time.Nanosecond,
		Told: func(s Step) {
			if s.Value > 50 {
				cancel()
			}
		},
		measure: s.run,
	}
	r, err := Search(ctx, cfg)
	if err != nil || r.Outcome != SearchUnfinished || r.Limit != 80 || !strings.Contains(r.Line(), "at least 80/s") {
		t.Errorf("%+v, %v", r, err)
	}
	broken := errors.New("broken")
	cfg.Told = nil
	cfg.measure = func(ctx context.Context, c Config) (*Report, error) {
		if c.Rate > 30 {
			return nil, broken
		}
		return s.run(ctx, c)
	}
	if r, err := Search(context.Background(), cfg); !errors.Is(err, broken) || len(r.Steps) != 2 {
		t.Errorf("%+v, %v", r, err)
	}
	cfg.measure = func(ctx context.Context, c Config) (*Report, error) {
		if c.Rate > 30 {
			return nil, usageError(errors.New("no more files"))
		}
		return s.run(ctx, c)
	}
	if r, err := Search(context.Background(), cfg); err != nil || r.LimitedBy != CauseGenerator || r.Limit < 28 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestSearchUsage(t *testing.T) {
	good := SearchConfig{Config: Config{Scenario: Fanout, URL: "ws://h/ws"}, Over: OverRate, From: 1, To: 2, Goals: goals(t, "lost==0")}
	for _, c := range []struct {
		change func(*SearchConfig)
		says   string
	}{
		{func(c *SearchConfig) { c.Over = "time" }, "rate or conns"},
		{func(c *SearchConfig) { c.From = 0 }, "from must be positive"},
		{func(c *SearchConfig) { c.To = 0 }, "needs an end"},
		{func(c *SearchConfig) { c.To = 0.5 }, "must not be below"},
		{func(c *SearchConfig) { c.Goals = nil }, "needs a goal"},
		{func(c *SearchConfig) { c.Precision = -1 }, "precision"},
		{func(c *SearchConfig) { c.Rounds = -1 }, "rounds"},
		{func(c *SearchConfig) { c.Config.Scenario = Idle }, "no rate"},
		{func(c *SearchConfig) { c.Over, c.From = OverConns, 1.5 }, "numbers of connections"},
		{func(c *SearchConfig) { c.Config.Expect = c.Goals }, "want goals"},
		{func(c *SearchConfig) { c.Pause = -1 }, "negative"},
	} {
		cfg := good
		c.change(&cfg)
		if _, err := Search(context.Background(), cfg); !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v, want %q", err, c.says)
		}
	}
}

func TestSaturationCurve(t *testing.T) {
	s := synthetic{capacity: 1000}
	cfg := CurveConfig{Config: Config{Scenario: Fanout, URL: "ws://h/ws"}, Over: OverRate, Points: 14, Pause: time.Nanosecond, measure: s.run}
	c, err := RunCurve(context.Background(), cfg)
	if err != nil || len(c.Points) != 14 || c.Saturated == nil || *c.Saturated < 900 || *c.Saturated > 1100 || c.Knee == nil || *c.Knee < 400 {
		t.Fatalf("%+v, %v", c, err)
	}
	for i := range c.Points[1:] {
		if c.Points[i].Value >= c.Points[i+1].Value {
			t.Errorf("%g before %g", c.Points[i].Value, c.Points[i+1].Value)
		}
	}
	if f := c.Points[0].Figures; f.Offered != 1 || f.Achieved != 1 || f.Deliveries != 10 {
		t.Errorf("%+v", f)
	}
	checkStepSchema(t, "../docs/wsload-curve.schema.json", c.WriteJSON)
	var text strings.Builder
	if err := c.WriteText(&text); err != nil || !strings.Contains(text.String(), "<- knee") || !strings.Contains(text.String(), "saturated: from ") {
		t.Errorf("%s, %v", text.String(), err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cfg.Told = func(Step) { cancel() }
	if c, err := RunCurve(ctx, cfg); err != nil || !c.Interrupted || len(c.Points) != 1 {
		t.Errorf("%+v, %v", c, err)
	}
	cfg.Points = 2
	if _, err := RunCurve(ctx, cfg); !errors.Is(err, ErrUsage) {
		t.Error(err)
	}
}

// TestStepSchemas keeps the published schemas in step with the Go types, as TestSchemaIsThatOfReport does with the report's.
func TestStepSchemas(t *testing.T) {
	for _, c := range []struct {
		of                  reflect.Type
		file, title, schema string
	}{
		{reflect.TypeFor[SearchResult](), "wsload-search.schema.json", "Result of wsload search", SearchVersion},
		{reflect.TypeFor[Curve](), "wsload-curve.schema.json", "Result of wsload curve", CurveVersion},
	} {
		s := schemaMaker{comments: fieldComments(t), defs: map[string]any{}}
		root := s.object(c.of)
		root["properties"].(map[string]any)["schema"].(map[string]any)["const"] = c.schema
		root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
		root["$id"] = "https://github.com/wsedge/wsedge/docs/" + c.file
		root["title"] = c.title
		root["$defs"] = s.defs
		want, err := json.MarshalIndent(root, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, '\n')
		file := "../docs/" + c.file
		if *update {
			if err := os.WriteFile(file, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is out of date (%v): go test ./loadtest -run TestStepSchemas -update", file, err)
		}
	}
}

// checkStepSchema fails the test if what is written is not as a published schema says.
func checkStepSchema(t *testing.T, file string, write func(io.Writer) error) {
	t.Helper()
	schema, err := jsonschema.NewCompiler().Compile(file)
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := write(&text); err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(&text)
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(value); err != nil {
		t.Errorf("%#v", err)
	}
}

// TestStepFiguresOfTopics has four topics of ten connections each: a publication is for ten.
func TestStepFiguresOfTopics(t *testing.T) {
	r := &Report{
		Config: ConfigEcho{Scenario: Fanout, Rate: 100, Topics: 4}, Topics: TopicCounts{Count: 4}, Window: Window{EndSecs: 2}, Connections: Connections{Established: 40},
		Publications: PublicationCounts{Acknowledged: 250}, Ledger: LedgerCounts{Expected: 2500}, Messages: Messages{InWindow: 2000},
	}
	if f := stepFigures(r); f.Achieved != 100 || f.Behind || f.Deliveries != 1000 {
		t.Errorf("%+v", f)
	}
}
