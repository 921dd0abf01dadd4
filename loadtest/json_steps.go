package loadtest

import (
	"encoding/json"
	"io"
	"reflect"
	"slices"
)

// filledSteps are copies of steps whose lists are not nil.
func filledSteps(steps []Step) []Step {
	steps = slices.Clone(steps)
	for i := range steps {
		fillNil(reflect.ValueOf(&steps[i]).Elem())
	}
	return steps
}

// writeFilled writes v, a pointer to a struct, with empty lists and maps in place of nil.
func writeFilled(w io.Writer, v any) error {
	fillNil(reflect.ValueOf(v).Elem())
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(append(text, '\n'))
	return err
}
