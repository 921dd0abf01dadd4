package main

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestPlotIsWellFormedAndToScale(t *testing.T) {
	text := plot([]string{"wsedge", "a<b"}, []panel{{"CPU & more", []float64{1, 4}, func(float64) string { return "v" }}, {"nothing", []float64{0, 0}, ms}})
	var widths []string
	for d := xml.NewDecoder(strings.NewReader(text)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "rect" {
			for _, a := range e.Attr {
				if a.Name.Local == "width" {
					widths = append(widths, a.Value)
				}
			}
		}
	}
	if strings.Join(widths, " ") != "138.5 554.0 0.0 0.0" {
		t.Errorf("bars of %v", widths)
	}
}
