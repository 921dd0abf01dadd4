package loadtest

import (
	"errors"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// finish writes the report from what the workers and publishers say.
func (r *run) finish() {
	report := r.report
	report.Window = r.window.report()
	connect, subscribe, lag := newHistogram(), newHistogram(), newHistogram()
	tlsTimes, secured, deflated := newHistogram(), newTLSCounts(), DeflateCounts{}
	var tally tallyCounts
	var records [][]publicationRecord
	var classes []*hdrhistogram.Histogram
	ready := make([]int, r.topics.count())
	var cpu int64
	failures, endings := map[string]uint64{}, map[string]uint64{}
	report.Errors, report.Publications.Errors = newErrorCounts(), newErrorCounts()
	if r.unresolved != nil {
		failures[r.unresolved.text] = uint64(r.cfg.Conns)
		report.Errors.count(*r.unresolved, uint64(r.cfg.Conns))
	}
	for _, m := range r.fleet.members {
		w := m.result
		// A histogram of our own making decodes.
		_ = errors.Join(mergeEncoded(connect, w.Connect), mergeEncoded(subscribe, w.Subscribe), mergeEncoded(lag, w.Lag), mergeEncodedClasses(&classes, w.Classes))
		tally.add(w.Tally)
		report.Ledger.add(w.Ledger)
		mergeCounts(failures, w.Failures)
		mergeCounts(endings, w.Endings)
		report.Errors.add(w.Errors)
		mergeRecords(&records, w.Records)
		for topic, n := range w.ReadyByTopic {
			ready[topic] += n
		}
		r.noteBusy(r.shares[m.number].usable, w)
		cpu += w.CPU
		_ = mergeEncoded(tlsTimes, w.TLSTimes)
		secured.add(w.TLS)
		deflated.add(w.Deflate)
	}
	report.Connections = Connections{
		Wanted: r.cfg.Conns, Established: tally.Ready - tally.Reborn, Failures: failures, Endings: endings,
		SetupSecs: report.Connections.SetupSecs, Connect: percentilesOf(connect), Subscribe: percentilesOf(subscribe),
	}
	r.reportTransport(tlsTimes, secured, deflated)
	report.Messages = Messages{
		Sent: tally.Sent, Measured: tally.Measured, InWindow: tally.InTime, BytesReceived: tally.Bytes, Reads: tally.Reads, Pings: tally.Pings,
		GapNotices: tally.Gaps, Answers: tally.Answers, Other: tally.Other, Stale: tally.Stale,
	}
	report.Latency, report.LatencyCurve = percentilesOf(r.fleet.latency), curveOf(r.fleet.latency)
	if len(r.cfg.Phases) > 0 {
		r.livesCompletions(records)
	} else {
		r.completions(records, ready)
	}
	r.finishPhases(records)
	report.Topics, report.TopicClasses = r.topics.describe(), r.topics.classes(classes)
	report.Server = r.server.report(tally.Ready-tally.Reborn, tally.Measured)
	if tally.Measured > 0 {
		report.Generator.CPUPerDelivery = float64(cpu) / 1e3 / float64(tally.Measured)
	}
	sends := tally.Sent
	report.Generator.Late = tally.Late
	if r.board != nil {
		report.Publications = r.board.snapshot()
		report.Acknowledgement = percentilesOf(r.board.ack)
		sends = report.Publications.Scheduled
		report.Generator.Late = report.Publications.Late
	}
	report.Generator.LoopLag = percentilesOf(lag)
	r.reportAgents()
	report.Generator.judge(sends, report.Latency)
	report.judge()
	report.expect(r.cfg.Expect)
}

// reportTransport is about what lies below and above the frames.
func (r *run) reportTransport(times *hdrhistogram.Histogram, secured TLSCounts, deflated DeflateCounts) {
	r.report.Connections.TLS = percentilesOf(times)
	if r.target.TLS != nil {
		r.report.TLS = &TLSReport{
			Agreed: secured, Resume: r.cfg.TLS.Resume, Verified: !r.cfg.TLS.Insecure, Compact: r.cfg.TLS.compact(),
		}
	}
	if r.cfg.Deflate != NoDeflate {
		r.report.Deflate = &DeflateReport{Offered: r.cfg.Deflate, Counts: deflated}
	}
}

// noteBusy keeps the busiest worker's and loop's figures; a worker has so many cores of its machine to use.
func (r *run) noteBusy(usable float64, w *workerResult) {
	g := &r.report.Generator
	g.CPUBusy = max(g.CPUBusy, w.CPUBusy/usable)
	for _, busy := range w.LoopBusy {
		g.LoopBusy = max(g.LoopBusy, busy)
	}
}

// completions sums up how long publications took to reach the first and the last of their receivers, of which ready tells how
// many each topic had.
func (r *run) completions(records [][]publicationRecord, ready []int) {
	first, last := newHistogram(), newHistogram()
	for stream, t := range r.totals {
		receivers := ready[stream%len(ready)]
		for sequence, at := range t.Times {
			var p publicationRecord // of one that reached nobody there need not be any
			if stream < len(records) && sequence < len(records[stream]) {
				p = records[stream][sequence]
			}
			switch {
			case !r.window.measures(at) || receivers == 0 || p.Count == 0 && t.unknown(uint32(sequence)):
			case int(p.Count) < receivers:
				r.report.Incomplete++
			default:
				record(first, p.First-at)
				record(last, p.Last-at)
			}
		}
	}
	r.report.FirstReceiver, r.report.Completion = percentilesOf(first), percentilesOf(last)
}

func (r *run) configEcho() ConfigEcho {
	c := ConfigEcho{
		Scenario: r.cfg.Scenario, URL: r.cfg.URL, Channel: r.target.Channel, Conns: r.cfg.Conns,
		Processes: r.cfg.Processes, Threads: r.cfg.Threads, Payload: r.cfg.Payload, Rate: r.cfg.Rate, Arrivals: r.cfg.Arrivals.String(), Seed: r.cfg.Seed,
		Outstanding: r.cfg.Outstanding, Publishers: r.cfg.Publishers, Duration: r.cfg.Duration.Seconds(),
		Warmup: r.cfg.Warmup.Seconds(), Settle: r.cfg.Settle.Seconds(), ConnectRate: r.cfg.ConnectRate,
		MaxInFlight: r.cfg.MaxInFlight, Stalled: r.cfg.Stalled, Deflate: r.cfg.Deflate,
		Name: r.cfg.Name, Recover: r.cfg.Recover,
		Protocol: r.target.Protocol.Name, Topics: r.cfg.Topics, TopicSizes: r.cfg.TopicSizes.String(), TopicRates: string(r.cfg.TopicRates),
	}
	for _, node := range r.cfg.Also {
		c.Also = append(c.Also, node.String())
	}
	if r.cfg.Scenario == Fanout {
		c.PublishURL, c.PublishBy, c.AcknowledgedBy = r.target.PublishURL.String(), string(r.target.PublishBy), r.target.acknowledgedBy()
	}
	return c
}
