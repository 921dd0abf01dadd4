package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/wsedge/wsedge/loadtest"
	"github.com/wsedge/wsedge/loadtest/compare"
)

const compareHelp = `Usage: wsload compare A.json B.json
       wsload compare A1.json A2.json … vs B1.json B2.json …

Compares results that --json has written: medians over each side's rounds, the ratio, and a
rank test (Mann-Whitney, two-sided) of whether the difference is more than chance. With four
rounds a side or more, made in turns, p tells of the servers; with one, of these two runs only.

Example:
  wsload compare before-*.json vs after-*.json
`

func runCompare(args []string, stdout, stderr io.Writer) int {
	if len(args) == 1 && slices.Contains([]string{"-h", "-help", "--help"}, args[0]) {
		fmt.Fprint(stdout, compareHelp)
		return exitOK
	}
	first, second, err := sides(args)
	if err != nil {
		fmt.Fprintf(stderr, "wsload compare: %v\n\n%s", err, compareHelp)
		return exitUsage
	}
	if err := compareFiles(first, second, stdout); err != nil {
		fmt.Fprintf(stderr, "wsload compare: %v\n", err)
		return exitFailed
	}
	return exitOK
}

// sides splits the names at "vs"; two names need none.
func sides(args []string) (a, b []string, err error) {
	at := slices.Index(args, "vs")
	switch {
	case at > 0 && at+1 < len(args) && !slices.Contains(args[at+1:], "vs"):
		return args[:at], args[at+1:], nil
	case at < 0 && len(args) == 2:
		return args[:1], args[1:], nil
	}
	return nil, nil, errors.New(`want two results, or two lists with "vs" between them`)
}

func compareFiles(first, second []string, stdout io.Writer) error {
	a, errA := readResults(first)
	b, errB := readResults(second)
	if err := errors.Join(errA, errB); err != nil {
		return err
	}
	result, err := compare.Reports(a, b)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "A: %s\nB: %s\n\n", strings.Join(first, " "), strings.Join(second, " "))
	return result.WriteText(stdout)
}

func readResults(names []string) (results []*loadtest.Report, err error) {
	var failures []error
	for _, name := range names {
		report, err := readResult(name)
		if err != nil {
			failures = append(failures, fmt.Errorf("%s: %w", name, err))
		}
		results = append(results, report)
	}
	return results, errors.Join(failures...)
}

func readResult(name string) (*loadtest.Report, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	report, err := loadtest.ReadJSON(file)
	return report, errors.Join(err, file.Close())
}
