package main

import (
	"errors"
	"fmt"
	"os"
	"regexp"

	"go.yaml.in/yaml/v4"
)

// readYAML reads a file into a struct whose fields have yaml tags. Keys that the struct does not know are errors; all problems
// are told together, each with the file and the line.
func readYAML(name string, into any) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	return decodeYAML(name, text, into)
}

// decodeYAML is readYAML of a text; name stands in the errors.
func decodeYAML(name string, text []byte, into any) error {
	return yamlProblems(name, yaml.Load(text, into, yaml.WithKnownFields()))
}

// yamlProblems takes apart what the library says.
func yamlProblems(name string, err error) error {
	var several *yaml.LoadErrors
	var one *yaml.LoadError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &several):
		var problems []error
		for _, e := range several.Errors {
			problems = append(problems, yamlProblem(name, e))
		}
		return errors.Join(problems...)
	case errors.As(err, &one):
		return yamlProblem(name, one)
	}
	return fmt.Errorf("%s: %w", name, err)
}

func yamlProblem(name string, e *yaml.LoadError) error {
	text := goTypes.ReplaceAllString(e.Message, "")
	return fmt.Errorf("%s:%d: %s", name, e.Mark.Line, unknownKey.ReplaceAllString(text, "unknown key $1"))
}

// goTypes are what the user has no use for in the library's texts, and unknownKey what has a clearer name.
var (
	goTypes    = regexp.MustCompile(` (in|into) type [\w.*\[\]]+`)
	unknownKey = regexp.MustCompile(`^field (\S+) not found$`)
)
