package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/wsedge/wsedge/loadtest"
	"github.com/wsedge/wsedge/loadtest/show"
)

// outputs are the files that a result goes to; an empty name is none.
type outputs struct {
	json, csv, html string
}

// resultWriters write a result in each of the forms.
type resultWriters struct {
	json, csv, html func(io.Writer) error
}

// check tries the files before a run, which may take long. What they hold stays as it is.
func (o outputs) check() error {
	return errors.Join(
		checkFile("--json", o.json), checkFile("--csv", o.csv), checkFile("--html", o.html),
		differ("--json", o.json, "--csv", o.csv), differ("--json", o.json, "--html", o.html), differ("--csv", o.csv, "--html", o.html),
	)
}

// checkFile opens a file for writing. One that was not there is not there afterwards; what is neither absent nor a regular file,
// such as a pipe, is not tried.
func checkFile(flag, name string) error {
	info, err := os.Stat(name)
	absent := errors.Is(err, os.ErrNotExist)
	switch {
	case name == "" || err == nil && !info.IsDir() && !info.Mode().IsRegular():
		return nil
	case err != nil && !absent:
		return fmt.Errorf("%s: %w", flag, err)
	}
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o666)
	if err != nil {
		return fmt.Errorf("%s: %w", flag, err)
	}
	err = file.Close()
	if absent {
		err = errors.Join(err, os.Remove(name))
	}
	return err
}

// differ refuses one file for two forms.
func differ(flag, name, otherFlag, other string) error {
	if info, err := os.Stat(name); name == "" || name != other || err == nil && !info.Mode().IsRegular() {
		return nil
	}
	return fmt.Errorf("%s and %s name the same file, %s", flag, otherFlag, name)
}

// publish prints the report and writes the files. All are tried, whatever happens to one.
func (o outputs) publish(report *loadtest.Report, stdout io.Writer) error {
	return errors.Join(report.WriteText(stdout), o.write(resultWriters{
		json: report.WriteJSON,
		csv:  func(w io.Writer) error { return show.WriteCSV(w, report) },
		html: func(w io.Writer) error { return show.WriteHTML(w, report) },
	}))
}

// write writes the files that were asked for.
func (o outputs) write(w resultWriters) error {
	return errors.Join(toFile("--json", o.json, w.json), toFile("--csv", o.csv, w.csv), toFile("--html", o.html, w.html))
}

func toFile(flag, name string, write func(io.Writer) error) error {
	if name == "" {
		return nil
	}
	file, err := os.Create(name)
	if err != nil {
		return fmt.Errorf("%s: %w", flag, err)
	}
	if err := errors.Join(write(file), file.Close()); err != nil {
		return fmt.Errorf("%s: %w", flag, err)
	}
	return nil
}
