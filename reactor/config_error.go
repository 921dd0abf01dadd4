package reactor

import (
	"fmt"
	"strings"
)

// ConfigError says all that is wrong with a Config, in the order of its fields. New and Listen return it; errors.As finds it, and errors.Is what
// a field's problem wraps.
type ConfigError struct {
	// Fields has at least one.
	Fields []FieldError
}

// FieldError is what is wrong with one field of a Config.
type FieldError struct {
	// Field is its name in Go, "Addr" or "Deflate.Level".
	Field string
	// Err says what is wrong.
	Err error
}

// Error names the field.
func (e FieldError) Error() string { return e.Field + ": " + e.Err.Error() }

// Unwrap returns Err.
func (e FieldError) Unwrap() error { return e.Err }

// Error names all problems, a line each.
func (e *ConfigError) Error() string {
	lines := make([]string, len(e.Fields))
	for i, f := range e.Fields {
		lines[i] = f.Error()
	}
	return "reactor: invalid configuration: " + strings.Join(lines, "\n")
}

// Unwrap returns the problems.
func (e *ConfigError) Unwrap() []error {
	problems := make([]error, len(e.Fields))
	for i, f := range e.Fields {
		problems[i] = f
	}
	return problems
}

// complaint notes what is wrong with a field: ConfigError.wrong.
type complaint func(field, format string, args ...any)

// wrong notes what is wrong with a field.
func (e *ConfigError) wrong(field, format string, args ...any) {
	e.Fields = append(e.Fields, FieldError{field, fmt.Errorf(format, args...)})
}

// orNil is e if anything is wrong.
func (e *ConfigError) orNil() error {
	if len(e.Fields) == 0 {
		return nil
	}
	return e
}
