package show

import (
	"encoding/csv"
	"fmt"
	"io"
	"reflect"

	"github.com/wsedge/wsedge/loadtest"
)

// WriteCSV writes the seconds of a run, one a line, below a line of names: those of loadtest.Interval in JSON.
func WriteCSV(w io.Writer, r *loadtest.Report) error {
	out := csv.NewWriter(w)
	var names []string
	for field := range reflect.TypeFor[loadtest.Interval]().Fields() {
		names = append(names, field.Tag.Get("json"))
	}
	// The writer keeps its first error for the end.
	_ = out.Write(names)
	row := make([]string, len(names))
	for _, second := range r.Seconds {
		values := reflect.ValueOf(second)
		for i := range row {
			row[i] = fmt.Sprint(values.Field(i).Interface())
		}
		_ = out.Write(row)
	}
	out.Flush()
	return out.Error()
}
