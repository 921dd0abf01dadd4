package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
)

func main() {
	if err := command(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "table:", err)
		os.Exit(1)
	}
}

func command(args []string, out io.Writer) error {
	switch {
	case len(args) == 5 && args[0] == "add":
		return add(args[1], args[2], args[3], args[4], out)
	case len(args) == 2 && args[0] == "page":
		return page(args[1], out)
	default:
		return errors.New("want add SERVER ROUND STATUS FILE, or page DIR")
	}
}

func add(server, round, status, file string, out io.Writer) error {
	r, err := strconv.Atoi(round)
	if err != nil {
		return fmt.Errorf("round: %w", err)
	}
	s, err := strconv.Atoi(status)
	if err != nil {
		return fmt.Errorf("status: %w", err)
	}
	report, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	line, err := keep(server, r, s, report)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	_, err = out.Write(append(line, '\n'))
	return err
}

func page(dir string, out io.Writer) error {
	lines, err := os.ReadFile(filepath.Join(dir, "runs.jsonl"))
	if err != nil {
		return err
	}
	runs, err := parse(lines)
	if err != nil {
		return err
	}
	machine, err := os.ReadFile(filepath.Join(dir, "machine.txt"))
	if err != nil {
		return err
	}
	if err := writePlots(dir, runs); err != nil {
		return err
	}
	_, err = io.WriteString(out, markdown(runs, string(machine)))
	return err
}

// writePlots puts a plot of each cell beside the page.
func writePlots(dir string, runs []run) error {
	for _, c := range distinct(runs, (*run).cell) {
		if c.Scenario == "echo" {
			continue
		}
		svg := plotCell(where(runs, func(r *run) bool { return r.cell() == c }))
		if err := os.WriteFile(filepath.Join(dir, plotName(c)), []byte(svg), 0o644); err != nil {
			return err
		}
	}
	return nil
}
