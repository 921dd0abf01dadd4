package main

import (
	"flag"
	"fmt"
	"strconv"
	"strings"
)

// addServer is what there is to know of the server under load.
func (o *options) addServer(set *flag.FlagSet) {
	c := &o.config
	set.Func("pid", "the server's `PROCESS`, to report its CPU time and memory; several are summed: 17,18", o.setPIDs)
	set.StringVar(&c.MetricsURL, "metrics", "", "`URL` of the server's metrics (Prometheus text): heap, collections and goroutines, and CPU time and memory where there is no --pid")
}

// setPIDs takes the server's processes.
func (o *options) setPIDs(list string) error {
	pids, err := parsePIDs(list)
	if err == nil {
		o.config.PID, o.config.PIDs = pids[0], pids[1:]
	}
	return err
}

func parsePIDs(list string) (pids []int, err error) {
	for text := range strings.SplitSeq(list, ",") {
		pid, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || pid < 1 {
			return nil, fmt.Errorf("%q is no process", text)
		}
		pids = append(pids, pid)
	}
	return pids, nil
}
