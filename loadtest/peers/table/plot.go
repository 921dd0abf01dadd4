package main

import (
	"encoding/xml"
	"fmt"
	"strings"
)

// panel is one row of bars: a figure of each server.
type panel struct {
	title  string
	values []float64
	show   func(float64) string
}

// The plots' measures, in pixels.
const (
	plotWidth  = 720
	barHeight  = 18
	barGap     = 6
	nameWidth  = 96
	valueWidth = 70
	panelHead  = 30
)

// plotName is what the plot of a cell is called, beside the page.
func plotName(c cell) string {
	return fmt.Sprintf("fanout-%d-%d-%d.svg", c.Conns, c.Outstanding, c.Payload)
}

// plotCell draws what the servers of one cell took: CPU per delivery, and p99.
func plotCell(runs []run) string {
	servers := distinct(runs, func(r *run) string { return r.Server })
	figure := func(of func(*report) float64) (values []float64) {
		for _, server := range servers {
			values = append(values, median(where(runs, func(r *run) bool { return r.Server == server }), of))
		}
		return values
	}
	return plot(servers, []panel{
		{"CPU per delivery, µs", figure(func(r *report) float64 { return r.Server.Delivery }), func(v float64) string { return fmt.Sprintf("%.2f", v) }},
		{"p99, ms", figure(func(r *report) float64 { return r.Latency.P99 }), ms},
	})
}

// plot draws panels of bars, one below the other. The colours are told apart in light and dark.
func plot(names []string, panels []panel) string {
	height := len(panels) * (panelHead + len(names)*(barHeight+barGap) + 10)
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="system-ui, sans-serif" font-size="13" fill="#7d8590">`+"\n", plotWidth, height)
	top := 0
	for _, p := range panels {
		fmt.Fprintf(&b, `<text x="0" y="%d" font-weight="600">%s</text>`+"\n", top+18, escaped(p.title))
		top += panelHead
		for i, name := range names {
			colour := "#8b949e"
			if name == "wsedge" {
				colour = "#2f81f7"
			}
			width := quotient(p.values[i], largest(p.values)) * (plotWidth - nameWidth - valueWidth)
			fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">%s</text><rect x="%d" y="%d" width="%.1f" height="%d" rx="2" fill="%s"/><text x="%.1f" y="%d">%s</text>`+"\n",
				nameWidth-8, top+13, escaped(name), nameWidth, top, width, barHeight, colour, nameWidth+width+6, top+13, p.show(p.values[i]))
			top += barHeight + barGap
		}
		top += 10
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func largest(values []float64) (most float64) {
	for _, v := range values {
		most = max(most, v)
	}
	return most
}

func escaped(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a strings.Builder takes everything
	return b.String()
}
