package loadtest

import (
	"encoding/json"
	"errors"
	"io"
	"net/netip"
	"testing"
	"time"
)

// TestWorkerFollowsAnotherClock tells a worker in the midst of its work that it is much later, and that its clock is slow.
func TestWorkerFollowsAnotherClock(t *testing.T) {
	t.Parallel()
	s := &pushServer{}
	s.start(t)
	commandsIn, commandsOut := io.Pipe()
	linesIn, linesOut := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- errors.Join(RunWorker(t.Context(), commandsIn, linesOut), linesOut.Close()) }()
	commands, lines := json.NewEncoder(commandsOut), json.NewDecoder(linesIn)
	spec := workerSpec{
		Scenario: Echo, Addr: netip.MustParseAddrPort(s.listener.Addr().String()), Host: "h", Path: "/echo", Conns: 2, TotalConns: 2, Threads: 1,
		ConnectRate: 1000, MaxInFlight: 2, Epoch: monotonicNow(), Payload: MinPayload, Topics: topicPlan{Sizes: []int{2}, Publishers: 1}, SequenceLimit: 1000,
		Plan: arrivalPlan{Rate: 100, Batch: 1}, Loops: 1, SetupTimeout: time.Minute,
	}
	if err := commands.Encode(spec); err != nil {
		t.Fatal(err)
	}
	// wait reads lines until one is as it should be.
	wait := func(good func(p progress) bool) {
		t.Helper()
		for {
			var line workerLine
			if err := lines.Decode(&line); err != nil || line.Error != "" {
				t.Fatalf("%v, %s", err, line.Error)
			}
			if line.Progress != nil && good(*line.Progress) {
				return
			}
		}
	}
	wait(func(p progress) bool { return p.Ready == 2 })
	const later = int64(1e15)
	if err := commands.Encode(workerCommand{Clock: &clockLine{At: monotonicNow(), Shows: later, Drift: 1e-3}}); err != nil {
		t.Fatal(err)
	}
	wait(func(p progress) bool { return p.At >= later })
	// The timers go by the new clock as well: 20 messages in 200 ms of it.
	from := later + int64(time.Minute)
	moved := clockLine{At: monotonicNow(), Shows: from}
	start := window{Send: from + 50e6, From: from + 50e6, End: from + 250e6}
	if err := errors.Join(commands.Encode(workerCommand{Clock: &moved}), commands.Encode(workerCommand{Start: &start})); err != nil {
		t.Fatal(err)
	}
	wait(func(p progress) bool { return p.At > start.End && p.Sending == 0 && p.Delivered == 20 })
	if err := commands.Encode(workerCommand{Stop: &stopCommand{}}); err != nil {
		t.Fatal(err)
	}
	var last workerLine
	for last.Result == nil {
		if err := lines.Decode(&last); err != nil {
			t.Fatal(err)
		}
	}
	if last.Result.Ledger.Received != 20 || last.Result.Tally.Early > 0 {
		t.Errorf("%+v", last.Result.Ledger)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
