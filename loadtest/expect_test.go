package loadtest

import (
	"encoding/json"
	"math"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

// expectationReport has a different number in each place that the tests look at.
func expectationReport() *Report {
	r := &Report{
		Errors:      newErrorCounts(),
		Ledger:      LedgerCounts{Expected: 1000, Lost: 3},
		Connections: Connections{Wanted: 10, Established: 9, SetupSecs: 1.5},
		Latency:     Percentiles{Count: 5, Mean: 12.5, P50: 20_000, P99: 49_999, P999: 50_001, Max: 1_500_000},
		Completion:  Percentiles{Count: 5, P99: 70_000},
		Server:      &Server{CPUSecs: 2.5, CPUPerDelivery: 4.25},
		Generator:   Generator{CPUBusy: 0.5, Late: 7},
		Seconds:     []Interval{{Delivered: 100}, {Delivered: 200, P50: 30}},
	}
	r.Errors.count(statusFailure(503), 2)
	r.Errors.count(statusFailure(429), 1)
	return r
}

func TestExpectations(t *testing.T) {
	r := expectationReport()
	for text, want := range map[string]bool{
		"p99<50ms": true, "p99 < 50ms": true, "p99<49.999ms": false, "p99<=49.999ms": true, "p99>=0.049999s": true,
		"latency.p99<50000us": true, "latency.p99_us<50000": true, "latency.p99_us<50ms": true, "p999<50ms": false,
		"p50==20ms": true, "p50!=20ms": false, "p50>19999999ns": true, "p50<20000000ns": false, "max<2s": true, "max>1.4s": true,
		"mean>12µs": true, "completion.p99>60ms": true, "completion.p99<70ms": false,
		"lost==0": false, "lost<=3": true, "ledger.lost<4": true, "duplicated==0": true, "expected>=1e3": true,
		"established==10": false, "setup<2s": true, "setup>1400ms": true, "connections.setup_s<1.6": true,
		"server_cpu<3s": true, "server.server_cpu_s==2.5": true, "server_cpu_us_per_delivery<4.3us": true, "late_sends<8": true, "cpu_busy<0.85": true,
		"errors.total==3": true, "errors.http_status==3": true, "errors.http_status.503==2": true, "errors.http_status.500==0": true,
		"errors.close==0": true, "errors.timeout.connect==0": true, "errors.refused==0": true,
		"seconds.0.delivered==100": true, "seconds.1.delivered>100": true, "seconds.1.p50<1ms": true,
		// What was not measured meets no expectation, whichever way round.
		"first_receiver.p99<50ms": false, "first_receiver.p99>0": false, "first_receiver.count==0": true,
		"seconds.2.delivered>=0": false,
	} {
		e, err := ParseExpectation(text)
		if err != nil {
			t.Error(err)
			continue
		}
		if got := e.Check(r); got.OK != want {
			t.Errorf("%s: got %q, want %v", text, got.Line, want)
		}
	}
}

func TestExpectationOfAProcessThatWasNotProbed(t *testing.T) {
	e, err := ParseExpectation("server_cpu<3s")
	if err != nil {
		t.Fatal(err)
	}
	if got := e.Check(&Report{}); got.OK || got.Value != nil || !strings.Contains(got.Line, "FAILED: this run has no such number") {
		t.Errorf("%+v", got)
	}
}

func TestExpectationLines(t *testing.T) {
	for text, want := range map[string]string{
		"p99 < 40ms": "p99<40ms: FAILED: it is 49.999 ms", "lost==0": "lost==0: FAILED: it is 3", "setup<2s": "setup<2s: ok: it is 1.5 s",
		"first_receiver.p99<1s": "first_receiver.p99<1s: FAILED: nothing was measured of first_receiver",
	} {
		e, err := ParseExpectation(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := e.Check(expectationReport()).Line; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestExpectationsThatCannotBeRead(t *testing.T) {
	for text, want := range map[string]string{
		"": "no comparison", "p99": "no comparison", "<50ms": "no name", "p99=50ms": "must be one of", "p99=<50ms": "must be one of",
		"p99<": "is not a number", "p99<fast": "is not a number", "p99<50": `needs a unit: ns, us, ms or s`, "p99<50min": `unknown unit "min"`,
		"p99<NaNms": "is not a number", "p99<infs": "is not a number",
		"lost==0ms": "is not a time", "lost==3%": `unknown unit "%"`, "p98<1ms": `no number "p98"`, "latency<1ms": `no number "latency"`,
		"ledger.losst==0": `no number "ledger.losst"`, "ok==1": `no number "ok"`, "measured>0": "", "count>0": "",
		"conns==5": "", "total==0": "errors.total or publications.errors.total", "refused==0": "errors.refused or publications.errors.refused or publications.refused",
		"seconds.x.delivered==0": "no number", "rate<1ms": "no number",
	} {
		_, err := ParseExpectation(text)
		switch {
		case want == "" && err != nil:
			t.Errorf("%q: %v", text, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "expectation ")):
			t.Errorf("%q: got %v, want an error with %q", text, err, want)
		}
	}
}

// TestEveryNumberOfTheReportCanBeExpected walks the JSON of a full report.
func TestEveryNumberOfTheReportCanBeExpected(t *testing.T) {
	r := expectationReport()
	fill(reflect.ValueOf(r).Elem())
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var document any
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	numbers := 0
	var walk func(path string, node any)
	walk = func(path string, node any) {
		switch v := node.(type) {
		case map[string]any:
			for name, below := range v {
				walk(path+"."+name, below)
			}
		case []any:
			for i, below := range v {
				walk(path+"."+strconv.Itoa(i), below)
			}
		case float64:
			numbers++
			e, err := ParseExpectation(path[1:] + "==" + strconv.FormatFloat(v, 'g', -1, 64))
			if err != nil {
				t.Error(err)
				return
			}
			if result := e.Check(r); !result.OK {
				t.Error(result.Line)
			}
		}
	}
	walk("", document)
	if numbers < 100 {
		t.Errorf("only %d numbers", numbers)
	}
}

// fill gives every number a value, so that nothing counts as not measured.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i))
			}
		}
	case reflect.Pointer:
		if !v.IsNil() {
			fill(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			fill(v.Index(i))
		}
	case reflect.Int, reflect.Int64:
		v.SetInt(v.Int() + 17)
	case reflect.Uint32, reflect.Uint64:
		v.SetUint(v.Uint() + 18)
	case reflect.Float64:
		v.SetFloat(v.Float() + 0.25)
	}
}

func FuzzExpectation(f *testing.F) {
	for _, text := range []string{"p99<50ms", "errors.http_status.503==2", "seconds.0.delivered>1e3", "a.b.c!=µs", "connections.failures.x==0"} {
		f.Add(text)
	}
	r := expectationReport()
	f.Fuzz(func(t *testing.T, text string) {
		e, err := ParseExpectation(text)
		if err != nil {
			return
		}
		again, err := ParseExpectation(e.String())
		if err != nil || !reflect.DeepEqual(again, e) || math.IsNaN(e.value) {
			t.Errorf("%q reads as %+v, then as %+v, %v", text, e, again, err)
		}
		e.Check(r)
	})
}
