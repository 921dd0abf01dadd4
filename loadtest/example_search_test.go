package loadtest_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/wsedge/wsedge/loadtest"
)

// The highest rate at which 99 % of deliveries to 1,000 subscribers take less than 50 ms.
func ExampleSearch() {
	goal, err := loadtest.ParseExpectation("p99<50ms")
	if err != nil {
		panic(err)
	}
	result, err := loadtest.Search(context.Background(), loadtest.SearchConfig{
		Config: loadtest.Config{
			Scenario: loadtest.Fanout, URL: "ws://127.0.0.1:8080/ws", Conns: 1000, Duration: 5 * time.Second, Warmup: time.Second,
		},
		Over: loadtest.OverRate, From: 10, To: 10000, Goals: []loadtest.Expectation{goal},
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	fmt.Println(result.Line())
}

// Latency and throughput from one message a second up to where the server is saturated.
func ExampleRunCurve() {
	curve, err := loadtest.RunCurve(context.Background(), loadtest.CurveConfig{
		Config: loadtest.Config{
			Scenario: loadtest.Echo, URL: "ws://127.0.0.1:8080/echo", Conns: 100, Duration: 5 * time.Second, Warmup: time.Second,
		},
		Over: loadtest.OverRate, From: 1000,
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	for _, point := range curve.Points {
		fmt.Println(point.Line(curve.Over))
	}
}
