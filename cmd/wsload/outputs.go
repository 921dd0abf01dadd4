package main

import (
	"errors"
	"io"
	"os"

	"github.com/wsedge/wsedge/loadtest"
	"github.com/wsedge/wsedge/loadtest/show"
)

// outputs are the files that a result goes to; an empty name is none.
type outputs struct {
	json, csv, html string
}

// publish prints the report and writes the files. All are tried, whatever happens to one.
func (o outputs) publish(report *loadtest.Report, stdout io.Writer) error {
	return errors.Join(
		report.WriteText(stdout),
		toFile(o.json, report.WriteJSON),
		toFile(o.csv, func(w io.Writer) error { return show.WriteCSV(w, report) }),
		toFile(o.html, func(w io.Writer) error { return show.WriteHTML(w, report) }),
	)
}

func toFile(name string, write func(io.Writer) error) error {
	if name == "" {
		return nil
	}
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(write(file), file.Close())
}
