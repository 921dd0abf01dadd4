package loadtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Expectation is a condition that a report has to meet, such as "p99<50ms", "lost==0" or "server.server_cpu_s<=2.5".
//
// Its name is that of a number in the report's JSON, with dots between the levels. The last part is enough where no other
// has the same, and a unit at the end of the name may be left out: "late_sends", "ledger.lost", "completion.p99". Of several
// percentiles, a bare "p99" is that of latency. A map of counts stands for its sum, "errors.http_status", and what it lacks is
// 0: "errors.http_status.503". An element of a list has its number: "seconds.0.delivered".
//
// A value may have a unit from ns to s if, and only if, the number is a time; without one it is in the unit that the JSON
// name ends in, which then has to be written: "latency.p99_us<50000".
type Expectation struct {
	text     string
	path     []string // in the JSON
	operator string
	value    float64 // in the JSON's unit
	unit     string  // "us", "s" or ""
}

// operators, the longer ones first: each is looked for in turn.
var operators = []string{"<=", ">=", "==", "!=", "<", ">"}

// ParseExpectation reads one. An error says what it is that cannot be read, and what could stand there.
func ParseExpectation(text string) (Expectation, error) {
	e, err := parseExpectation(text)
	if err != nil {
		return Expectation{}, fmt.Errorf("expectation %q: %w", text, err)
	}
	return e, nil
}

func parseExpectation(text string) (e Expectation, err error) {
	e.text = strings.Join(strings.Fields(text), "")
	at := strings.IndexAny(e.text, "<>=!")
	if at < 0 {
		return e, errors.New("no comparison: want NAME, one of < <= > >= == !=, and a number, such as p99<50ms")
	}
	name, rest := e.text[:at], e.text[at:]
	for _, operator := range operators {
		if strings.HasPrefix(rest, operator) {
			e.operator = operator
			break
		}
	}
	if e.operator == "" {
		return e, errors.New("the comparison must be one of < <= > >= == !=")
	}
	if e.path, err = findNumber(name); err != nil {
		return e, err
	}
	last := e.path[len(e.path)-1]
	e.unit = timeUnit(last)
	inFull := strings.HasSuffix("."+name, "."+last)
	e.value, err = e.parseValue(rest[len(e.operator):], inFull)
	return e, err
}

// nanosIn gives the units of values and of JSON names.
var nanosIn = map[string]float64{"ns": 1, "us": 1e3, "µs": 1e3, "ms": 1e6, "s": 1e9}

// parseValue reads a number, with a unit if there is one. inFull says that the name was written as in the JSON, unit and all.
func (e Expectation) parseValue(text string, inFull bool) (float64, error) {
	number := strings.TrimRight(text, "abcdefghijklmnopqrstuvwxyzµ%")
	unit := text[len(number):]
	value, err := strconv.ParseFloat(number, 64)
	switch {
	case err != nil || math.IsNaN(value) || math.IsInf(value, 0):
		return 0, fmt.Errorf("%q is not a number", text)
	case unit == "" && e.unit != "" && !inFull && value != 0:
		return 0, fmt.Errorf("%q needs a unit: ns, us, ms or s", text)
	case unit == "":
		return value, nil
	case nanosIn[unit] == 0:
		return 0, fmt.Errorf("unknown unit %q: want ns, us, ms or s", unit)
	case e.unit == "":
		return 0, fmt.Errorf("%s is not a time, but %q has a unit", strings.Join(e.path, "."), text)
	}
	// 14 digits keep 49.999 ms at 49999 µs, not a hair beside it.
	decimal := strconv.FormatFloat(value*nanosIn[unit]/nanosIn[e.unit], 'g', 14, 64)
	return strconv.ParseFloat(decimal, 64)
}

// timeUnit is what the JSON name of a time ends in; "" for what is none. A rate ends in per_s, CPU time per something in the
// thing.
func timeUnit(name string) string {
	switch {
	case strings.HasSuffix(name, "_us"):
		return "us"
	case strings.HasSuffix(name, "_s") && !strings.HasSuffix(name, "_per_s"):
		return "s"
	case strings.Contains(name, "_us_per_"):
		return "us"
	default:
		return ""
	}
}

// String is the expectation without spaces.
func (e Expectation) String() string { return e.text }

// ExpectationResult says whether a report met an expectation.
type ExpectationResult struct {
	Expectation string `json:"expectation"`
	OK          bool   `json:"ok"`
	// Value is what was found, in the unit of the JSON name; left out if there is none.
	Value *float64 `json:"value,omitempty"`
	// Line tells people.
	Line string `json:"line"`
}

// Check compares a report with the expectation. What was not measured meets none.
func (e Expectation) Check(r *Report) ExpectationResult {
	result := ExpectationResult{Expectation: e.text}
	value, err := e.find(r)
	if err != nil {
		result.Line = fmt.Sprintf("%s: FAILED: %v", e.text, err)
		return result
	}
	result.Value = &value
	result.OK = e.holds(value)
	verdict := "ok"
	if !result.OK {
		verdict = "FAILED"
	}
	result.Line = fmt.Sprintf("%s: %s: it is %s", e.text, verdict, e.print(value))
	return result
}

func (e Expectation) holds(value float64) bool {
	switch e.operator {
	case "<":
		return value < e.value
	case "<=":
		return value <= e.value
	case ">":
		return value > e.value
	case ">=":
		return value >= e.value
	case "==":
		return value == e.value
	default:
		return value != e.value
	}
}

func (e Expectation) print(value float64) string {
	switch e.unit {
	case "us":
		return strconv.FormatFloat(value/1e3, 'g', 6, 64) + " ms"
	case "s":
		return strconv.FormatFloat(value, 'g', 6, 64) + " s"
	default:
		return strconv.FormatFloat(value, 'f', -1, 64)
	}
}

// find takes the number out of the report's JSON.
func (e Expectation) find(r *Report) (float64, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return 0, err
	}
	var node any
	if err := json.Unmarshal(text, &node); err != nil {
		return 0, err
	}
	for i, part := range e.path {
		switch level := node.(type) {
		case map[string]any:
			if count, summary := level["count"].(float64); summary && count == 0 && part != "count" {
				return 0, fmt.Errorf("nothing was measured of %s", strings.Join(e.path[:i], "."))
			}
			next, known := level[part]
			if !known && isCounts(e.path[:i]) {
				return 0, nil
			}
			node = next
		case []any:
			if element, found := named(level, part); found {
				node = element
				continue
			}
			n, err := strconv.Atoi(part)
			if err != nil || n < 0 || n >= len(level) {
				return 0, fmt.Errorf("%s has no element %s", strings.Join(e.path[:i], "."), part)
			}
			node = level[n]
		}
	}
	return numberOf(node)
}

// numberOf is a number, or the sum of a map of counts.
func numberOf(node any) (float64, error) {
	switch v := node.(type) {
	case float64:
		return v, nil
	case map[string]any:
		total := 0.0
		for _, n := range v {
			count, _ := n.(float64)
			total += count
		}
		return total, nil
	}
	return 0, errors.New("this run has no such number")
}
