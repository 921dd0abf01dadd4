package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
)

// statusInvalid is wsload's for a run in which the generator was the bottleneck and nothing else failed; the page has a column of
// its own for that.
const statusInvalid = 4

// run is one line of runs.jsonl: which server, in which round, wsload's exit status, and its report.
type run struct {
	Server string `json:"server"`
	Round  int    `json:"round"`
	Status int    `json:"status"`
	Report report `json:"report"`
}

// report is what the page needs of wsload's (schema wsload/1).
type report struct {
	Config struct {
		Scenario    string  `json:"scenario"`
		Conns       int     `json:"conns"`
		Payload     int     `json:"payload_bytes"`
		Rate        float64 `json:"rate_per_s"`
		Outstanding int     `json:"outstanding"`
		Duration    float64 `json:"duration_s"`
	} `json:"config"`
	Connections struct {
		Established int            `json:"established"`
		Endings     map[string]int `json:"endings"`
	} `json:"connections"`
	Ledger struct {
		Lost int64 `json:"lost"`
	} `json:"ledger"`
	Latency    percentiles `json:"latency"`
	Completion percentiles `json:"completion"`
	Messages   struct {
		Measured float64 `json:"measured"`
	} `json:"messages"`
	Server struct {
		CPU      float64 `json:"server_cpu_s"`
		Window   float64 `json:"server_window_s"`
		Delivery float64 `json:"server_cpu_us_per_delivery"`
		Setup    float64 `json:"server_setup_cpu_us_per_conn"`
		Before   float64 `json:"server_rss_before_bytes"`
		Settled  float64 `json:"server_rss_settled_bytes"`
		After    float64 `json:"server_rss_after_bytes"`
	} `json:"server"`
	Generator struct {
		Bottleneck bool     `json:"bottleneck"`
		Reasons    []string `json:"reasons"`
	} `json:"generator"`
}

type percentiles struct {
	P50 float64 `json:"p50_us"`
	P99 float64 `json:"p99_us"`
	Max float64 `json:"max_us"`
}

// keep makes a line from a report of wsload. It leaves out what is large or of the machine: the course over time, the command
// with its paths (the configuration says as much) and the host's name.
func keep(server string, round, status int, text []byte) ([]byte, error) {
	var whole map[string]json.RawMessage
	if err := json.Unmarshal(text, &whole); err != nil {
		return nil, err
	}
	delete(whole, "seconds")
	delete(whole, "command")
	var environment map[string]any
	if err := json.Unmarshal(whole["environment"], &environment); err != nil {
		return nil, fmt.Errorf("environment: %w", err)
	}
	delete(environment, "host")
	kept, err := json.Marshal(environment)
	if err != nil {
		return nil, err
	}
	whole["environment"] = kept
	return json.Marshal(struct {
		Server string                     `json:"server"`
		Round  int                        `json:"round"`
		Status int                        `json:"status"`
		Report map[string]json.RawMessage `json:"report"`
	}{server, round, status, whole})
}

func parse(lines []byte) ([]run, error) {
	var runs []run
	number := 0
	for line := range bytes.Lines(lines) {
		number++
		var r run
		if err := json.Unmarshal(line, &r); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		runs = append(runs, r)
	}
	return runs, nil
}

// cell is what is compared: runs that differ in the server and the round only.
type cell struct {
	Scenario                    string
	Conns, Payload, Outstanding int
}

func (r *run) cell() cell {
	c := r.Report.Config
	return cell{c.Scenario, c.Conns, c.Payload, c.Outstanding}
}

// distinct are the values of key in their first order.
func distinct[K comparable](runs []run, key func(*run) K) []K {
	var keys []K
	for i := range runs {
		if k := key(&runs[i]); !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	return keys
}

// where are the runs that fit.
func where(runs []run, fits func(*run) bool) []run {
	var found []run
	for i := range runs {
		if fits(&runs[i]) {
			found = append(found, runs[i])
		}
	}
	return found
}

// median of one figure over runs; 0 without any.
func median(runs []run, figure func(*report) float64) float64 {
	var values []float64
	for i := range runs {
		values = append(values, figure(&runs[i].Report))
	}
	slices.Sort(values)
	n := len(values)
	switch {
	case n == 0:
		return 0
	case n%2 == 1:
		return values[n/2]
	default:
		return (values[n/2-1] + values[n/2]) / 2
	}
}

func (r *report) perSecond() float64 { return quotient(r.Messages.Measured, r.Server.Window) }

func (r *report) perCPUSecond() float64 { return quotient(r.Messages.Measured, r.Server.CPU) }

func (r *report) idleBytes() float64 {
	return quotient(r.Server.Settled-r.Server.Before, r.established())
}

func (r *report) loadedBytes() float64 {
	return quotient(r.Server.After-r.Server.Before, r.established())
}

func (r *report) established() float64 { return float64(r.Connections.Established) }

func quotient(a, b float64) float64 {
	if b <= 0 {
		return 0
	}
	return a / b
}
