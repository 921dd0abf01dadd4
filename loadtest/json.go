package loadtest

import (
	"encoding/json"
	"fmt"
	"io"
	"reflect"
)

// WriteJSON writes the report as docs/wsload-result.schema.json describes it. Lists and maps are never null.
func (r *Report) WriteJSON(w io.Writer) error {
	filled := *r
	fillNil(reflect.ValueOf(&filled).Elem())
	text, err := json.MarshalIndent(&filled, "", "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(append(text, '\n'))
	return err
}

// ReadJSON reads what WriteJSON has written. A result of another schema is an error.
func ReadJSON(from io.Reader) (*Report, error) {
	report := &Report{}
	if err := json.NewDecoder(from).Decode(report); err != nil {
		return nil, err
	}
	if report.Schema != SchemaVersion {
		return nil, fmt.Errorf("the schema is %q, not %q", report.Schema, SchemaVersion)
	}
	return report, nil
}

// fillNil gives lists and maps that are nil, in v and the structs in it, an empty value. What v points to is left as it is,
// because others may see it.
func fillNil(v reflect.Value) {
	for i := range v.NumField() {
		field := v.Field(i)
		switch {
		case !field.CanSet():
		case field.Kind() == reflect.Slice && field.IsNil():
			field.Set(reflect.MakeSlice(field.Type(), 0, 0))
		case field.Kind() == reflect.Map && field.IsNil():
			field.Set(reflect.MakeMap(field.Type()))
		case field.Kind() == reflect.Struct:
			fillNil(field)
		}
	}
}
