package loadtest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// maxMetricsBytes and maxMetricsLine bound a scrape.
const (
	maxMetricsBytes = 16 << 20
	maxMetricsLine  = 64 << 10
)

// parseMetrics reads the Prometheus text format (version 0.0.4, and OpenMetrics as far as it is the same) and returns the
// wanted series by name. Those that differ only in labels are summed: behind one URL there may be several processes. A line
// that is none of the format's is an error.
func parseMetrics(from io.Reader, wanted map[string]bool) (map[string]float64, error) {
	limited := &io.LimitedReader{R: from, N: maxMetricsBytes + 1}
	lines := bufio.NewScanner(limited)
	lines.Buffer(make([]byte, 0, 4096), maxMetricsLine)
	values := map[string]float64{}
	n := 0
	for lines.Scan() {
		n++
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		name, value, err := parseSample(line)
		if err != nil {
			return nil, fmt.Errorf("metrics, line %d: %w", n, err)
		}
		if wanted[name] {
			values[name] += value
		}
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return nil, fmt.Errorf("metrics, line %d: longer than %d bytes", n+1, maxMetricsLine)
	case err != nil:
		return nil, err
	case limited.N <= 0:
		return nil, fmt.Errorf("metrics: more than %d bytes", maxMetricsBytes)
	}
	return values, nil
}

// parseSample takes "name{labels} value timestamp" apart; labels and timestamp may be missing, an exemplar may follow.
func parseSample(line string) (name string, value float64, err error) {
	end := strings.IndexAny(line, "{ \t")
	if end < 0 {
		return "", 0, errors.New("no value")
	}
	name, line = line[:end], line[end:]
	if !validMetricName(name) {
		return "", 0, fmt.Errorf("%q is no name of a metric", name)
	}
	if line[0] == '{' {
		if line, err = skipLabels(line); err != nil {
			return "", 0, err
		}
	}
	line, _, _ = strings.Cut(line, " # ") // an exemplar
	fields := strings.Fields(line)
	if len(fields) < 1 || len(fields) > 2 {
		return "", 0, errors.New("want a value, and perhaps a time")
	}
	if value, err = strconv.ParseFloat(fields[0], 64); err != nil {
		return "", 0, fmt.Errorf("%q is no number", fields[0])
	}
	return name, value, nil
}

// skipLabels returns what is behind the closing brace; quoted values may contain one.
func skipLabels(line string) (string, error) {
	quoted := false
	for i := 1; i < len(line); i++ {
		switch c := line[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == '}' && !quoted:
			return line[i+1:], nil
		}
	}
	return "", errors.New("labels without an end")
}

func validMetricName(name string) bool {
	for i, c := range []byte(name) {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' || c == ':'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}
