package metrics

import (
	"bytes"
	"cmp"
	"strconv"
	"strings"
)

// Part is the exposition of one of several processes that look like one, as the functions of this package have written it.
type Part struct {
	Worker string // which one: a token of ours, the value of the label worker
	Text   []byte
	Old    bool // another process has taken its place already: of what belongs to processes alone, that one's is told
}

// Sum adds up the expositions of several processes. Counters, histograms and summaries are summed, and never go back when a process ends;
// gauges are summed where that means something: see how. What tells of a process, process_… and go_…, is told of each, with the label worker.
type Sum struct {
	order    []string // names of families
	families map[string]*family
}

// family is a metric with all its series.
type family struct {
	head   []string // HELP and TYPE
	kind   string
	order  []string // series: names with labels
	series map[string]float64
}

// how gauges are put together that are not summed: the greatest or the least counts. Of what all have in common each says the same.
var how = map[string]func(a, b float64) float64{
	"wsedge_pressure":                                     greatest,
	"wsedge_loop_wait_seconds":                            greatest,
	"wsedge_build_info":                                   greatest,
	"wsedge_revocations":                                  greatest,
	"wsedge_cluster_nodes":                                greatest,
	"wsedge_webhook_circuit_open":                         greatest,
	"wsedge_draining":                                     least,
	"wsedge_engine_up":                                    least,
	"wsedge_config_last_reload_successful":                least,
	"wsedge_config_last_reload_success_timestamp_seconds": least,
	"wsedge_certificate_not_after_timestamp_seconds":      least,
}

func greatest(a, b float64) float64 { return max(a, b) }
func least(a, b float64) float64    { return min(a, b) }

// End keeps what a process has counted that has ended, by its last exposition.
func (s *Sum) End(text []byte) {
	ended := &Sum{}
	ended.add(Part{Text: text}, true)
	s.merge(ended)
}

// Append appends the exposition of all.
func (s *Sum) Append(dst []byte, parts []Part) []byte {
	all := &Sum{}
	for _, p := range parts {
		all.add(p, false)
	}
	all.merge(s)
	for _, name := range all.order {
		f := all.families[name]
		for _, line := range f.head {
			dst = append(append(dst, line...), '\n')
		}
		for _, series := range f.order {
			dst = append(append(dst, series...), ' ')
			dst = append(strconv.AppendFloat(dst, f.series[series], 'f', -1, 64), '\n')
		}
	}
	return dst
}

// perProcess tells whether a family tells of a process.
func perProcess(name string) bool {
	return strings.HasPrefix(name, "process_") || strings.HasPrefix(name, "go_")
}

// add adds a part; totals: only what counts since its process began, and is not told of each.
func (s *Sum) add(p Part, totals bool) {
	var f *family
	name := ""
	for line := range bytes.Lines(p.Text) {
		text := strings.TrimSuffix(string(line), "\n")
		if words := strings.SplitN(text, " ", 4); len(words) == 4 && words[0] == "#" {
			if name != words[2] {
				name = words[2]
				f = s.family(name)
			}
			f.headed(words[1], words[3], text)
			continue
		}
		at := strings.LastIndexByte(text, ' ')
		if f == nil || at < 0 || (totals && f.kind == "gauge") || perProcess(name) && (totals || p.Old) {
			continue
		}
		value, err := strconv.ParseFloat(text[at+1:], 64)
		if err != nil {
			continue // not written by this package
		}
		series, combine := text[:at], how[name]
		if perProcess(name) {
			series = labelled(series, p.Worker)
		}
		f.put(series, value, combine)
	}
}

// family finds or makes one.
func (s *Sum) family(name string) *family {
	f := s.families[name]
	if f == nil {
		if s.families == nil {
			s.families = make(map[string]*family)
		}
		f = &family{series: make(map[string]float64)}
		s.families[name], s.order = f, append(s.order, name)
	}
	return f
}

// headed takes a line of comment.
func (f *family) headed(word, rest, line string) {
	if word == "TYPE" {
		f.kind = rest
	}
	if len(f.head) < 2 {
		f.head = append(f.head, line)
	}
}

// put adds a value to a series, or combines it; nil: adds.
func (f *family) put(series string, value float64, combine func(a, b float64) float64) {
	old, known := f.series[series]
	switch {
	case !known:
		f.order = append(f.order, series)
	case combine != nil:
		value = combine(old, value)
	default:
		value += old
	}
	f.series[series] = value
}

// merge adds what processes have counted that have ended.
func (s *Sum) merge(ended *Sum) {
	for _, name := range ended.order {
		from := ended.families[name]
		if len(from.order) == 0 {
			continue
		}
		f := s.family(name)
		f.kind = cmp.Or(f.kind, from.kind)
		if len(f.head) == 0 {
			f.head = from.head
		}
		for _, series := range from.order {
			f.put(series, from.series[series], nil)
		}
	}
}

// labelled adds the label worker to a series that has none, or others.
func labelled(series, worker string) string {
	label := `worker="` + worker + `"`
	if rest, found := strings.CutSuffix(series, "}"); found {
		return rest + "," + label + "}"
	}
	return series + "{" + label + "}"
}
