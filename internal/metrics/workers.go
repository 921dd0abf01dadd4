package metrics

import "strconv"

// Workers is how those do that look like one server.
type Workers struct {
	Ready, Starting, Retiring, Failed int   // processes; failed: slots that are tried again slowly
	Restarts                          int64 // after an end that nobody asked for
}

// AppendWorkers appends it.
func AppendWorkers(dst []byte, w Workers) []byte {
	e := exposition{dst}
	e.head("wsedge_workers", "gauge", "Worker processes, by what they are doing; failed ones are started again, slowly.")
	for _, of := range []struct {
		state string
		n     int
	}{{"failed", w.Failed}, {"ready", w.Ready}, {"retiring", w.Retiring}, {"starting", w.Starting}} {
		e.text = append(e.text, `wsedge_workers{state="`+of.state+`"} `+strconv.Itoa(of.n)+"\n"...)
	}
	e.one("wsedge_worker_restarts_total", "counter", "Worker processes that ended unasked, and were started again.", w.Restarts)
	return e.text
}
