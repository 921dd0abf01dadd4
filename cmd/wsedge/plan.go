package main

import (
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/wsedge/wsedge/internal/capacity"
	"github.com/wsedge/wsedge/internal/doctor"
)

// plan is the command plan.
func plan(e *environment, args []string) int {
	flags := newFlags(e, "plan",
		"plan says how many machines a load needs, and what decides it: sums over what was measured, to begin with. It looks at no machine; see wsedge doctor for that.",
		"wsedge plan --conns 200000 --channels 10000 --rate 1000 --replicas 3")
	var d capacity.Demand
	var m capacity.Machine
	flags.Int64Var(&d.Conns, "conns", 0, "how many `connections` there are at the busiest time; required")
	flags.Int64Var(&d.Channels, "channels", 1, "how many channels there are")
	flags.Float64Var(&d.PerConn, "per-conn", 1, "how many channels a connection has subscribed to, on the average")
	flags.Float64Var(&d.Rate, "rate", 1, "publications a second, in all")
	flags.Int64Var(&d.Bytes, "bytes", 128, "`bytes` of a publication's data")
	flags.Float64Var(&d.Skew, "skew", 0, "how uneven the channels are: the `exponent` of Zipf's law; 0: all alike, 1: as names and words are")
	flags.StringVar((*string)(&d.Secure), "tls", string(capacity.Plain), "`how` connections are encrypted by the nodes: none, std or compact")
	flags.DurationVar(&d.Back, "back", 10*time.Second, "how long the others may take to serve a dead machine's clients again")
	flags.Int64Var(&d.History, "history", 0, "`publications` that a channel keeps")
	flags.Int64Var(&d.Replicas, "replicas", 1, "on how many machines each publication is kept: 1, 3 or 5")
	flags.Float64Var(&m.CPUs, "cpus", 4, "CPUs of a machine")
	memory := flags.Float64("memory", 16, "memory of a machine, in `GiB`")
	network := flags.Float64("network", 10, "network of a machine, in `Gbit` a second")
	flags.Int64Var(&m.Files, "files", 1<<20, "how many files a process may have open")
	flags.Float64Var(&m.Busy, "busy", 0.6, "which `part` of CPUs and network may be in use on the average, with the spare machines away")
	flags.Int64Var(&m.Spare, "spare", 1, "how many machines may be away with the rest still enough")
	asJSON := flags.Bool("json", false, "write JSON")
	if err := parse(e, flags, args); err != nil {
		return exitStatus(err)
	}
	m.Memory, m.Network = int64(math.Min(*memory, 1e9)*(1<<30)), *network*1e9/8
	m.ConnBytes, m.NodeBytes = doctor.PlainBytes+doctor.AuthBytes+doctor.KernelBytes, doctor.ProcessBytes+2*defaultNodeBytes
	switch d.Secure {
	case capacity.TLS:
		m.ConnBytes += doctor.TLSBytes - doctor.PlainBytes
	case capacity.Compact:
		m.ConnBytes += doctor.CompactTLSBytes - doctor.PlainBytes
	}
	if err := capacity.Check(&d, &m); err != nil {
		return e.fail(fmt.Errorf("plan: %w", err), exitUsage)
	}
	p := capacity.For(d, m)
	var err error
	if *asJSON {
		encoder := json.NewEncoder(e.stdout)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(&p)
	} else {
		err = p.WriteText(e.stdout)
	}
	if err != nil {
		return e.fail(err, exitFailure)
	}
	return exitOK
}
