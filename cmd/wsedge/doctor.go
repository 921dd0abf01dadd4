package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"strconv"

	"github.com/wsedge/wsedge/internal/config"
	"github.com/wsedge/wsedge/internal/doctor"
)

// defaultNodeBytes is what output on its way, and history, may take each, where nothing else is configured.
const defaultNodeBytes = 256 << 20

// mostConns is more than there are descriptors, and little enough for sums.
const mostConns = 1_000_000_000

// examine is the command doctor.
func examine(e *environment, args []string) int {
	flags := newFlags(e, "doctor",
		"doctor looks at this machine's limits, sysctls and memory, says what they allow and how to change them, and changes nothing. It exits with 1 if something keeps the server from running, or from the connections asked for.",
		"wsedge doctor --config wsedge.yaml --conns 100000")
	var file string
	addConfig(flags, &file, "")
	conns := flags.Int64("conns", 0, "how many connections there are to be (default: tell how many there can be)")
	pid := flags.Int("pid", 0, "look with the limits of the running process of that `number`, such as the service's, in place of this one's; memory is what is free beside it")
	asJSON := flags.Bool("json", false, "write JSON")
	if err := parse(e, flags, args); err != nil {
		return exitStatus(err)
	}
	if *conns < 0 || *conns > mostConns || *pid < 0 {
		return e.fail(fmt.Errorf("--conns and --pid must not be negative, and --conns at most %d", mostConns), exitUsage)
	}
	plan, err := planOf(e, file)
	if err != nil {
		return e.fail(invalid(err), exitFailure)
	}
	plan.Asked = cmp.Or(*conns, plan.MaxConns)
	process := "self"
	if *pid > 0 {
		process = strconv.Itoa(*pid)
	}
	machine := doctor.Look(os.DirFS("/"), process)
	if !machine.Seen && *pid > 0 {
		return e.fail(fmt.Errorf("there is no process %d to look at", *pid), exitFailure)
	}
	report := doctor.Judge(machine, plan)
	if *asJSON {
		encoder := json.NewEncoder(e.stdout)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(report)
	} else {
		err = report.WriteText(e.stdout)
	}
	switch {
	case err != nil:
		return e.fail(err, exitFailure)
	case report.Bad():
		return exitFailure
	}
	return exitOK
}

// planOf is what serve would do with a configuration file, or without one.
func planOf(e *environment, file string) (doctor.Plan, error) {
	s, _ := declareServing(e)
	if file != "" {
		document, err := readDocument(file)
		if err != nil {
			return doctor.Plan{}, err
		}
		var problems []*config.Problem
		if s, problems, err = configured(e, nil, file, document); err != nil {
			return doctor.Plan{}, err
		}
		if err := config.Join(problems); err != nil {
			return doctor.Plan{}, err
		}
	}
	p := doctor.Plan{MaxConns: int64(s.cfg.MaxConns), Loops: s.cfg.Loops, UserBytes: doctor.PlainBytes}
	switch {
	case s.secure.on() && s.secure.compact:
		p.UserBytes = doctor.CompactTLSBytes
	case s.secure.on():
		p.UserBytes = doctor.TLSBytes
	}
	if s.cfg.Auth != nil {
		p.UserBytes += doctor.AuthBytes
	}
	if s.hooks.cfg.URL != "" {
		p.UserBytes += doctor.WebhookBytes
	}
	p.NodeBytes = doctor.ProcessBytes + cmp.Or(s.cfg.NodeMaxBytes, defaultNodeBytes) + cmp.Or(s.cfg.HistoryMaxBytes, defaultNodeBytes)
	if s.cfg.Deflate && s.cfg.DeflateTakeover {
		p.NodeBytes += doctor.TakeoverBytes
	}
	if n := int64(s.workers); n > 0 { // each may take all of that, and the supervisor what it keeps for them
		p.Workers, p.Loops = n, p.Loops*s.workers
		p.NodeBytes = n*p.NodeBytes + doctor.ProcessBytes + cmp.Or(s.cfg.HistoryMaxBytes, sharedHistoryBytes)
	}
	return p, nil
}
