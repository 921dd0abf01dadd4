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

// yamlProblems tells what the library says, with the file's name.
func yamlProblems(name string, err error) error {
	var problems []error
	for _, c := range yamlComplaints(err) {
		if c.line == 0 {
			return fmt.Errorf("%s: %w", name, err)
		}
		problems = append(problems, fmt.Errorf("%s:%d: %s", name, c.line, c.text))
	}
	return errors.Join(problems...)
}

// yamlComplaints takes apart what the library says; the line is 0 where it does not tell.
func yamlComplaints(err error) (complaints []yamlComplaint) {
	var several *yaml.LoadErrors
	var one *yaml.LoadError
	switch {
	case err == nil:
	case errors.As(err, &several):
		for _, e := range several.Errors {
			complaints = append(complaints, yamlComplaintOf(e))
		}
	case errors.As(err, &one):
		complaints = append(complaints, yamlComplaintOf(one))
	default:
		complaints = append(complaints, yamlComplaint{text: err.Error()})
	}
	return complaints
}

func yamlComplaintOf(e *yaml.LoadError) yamlComplaint {
	text := goTypes.ReplaceAllString(e.Message, "")
	return yamlComplaint{e.Mark.Line, unknownKey.ReplaceAllString(text, "unknown key $1")}
}

// goTypes are what the user has no use for in the library's texts, and unknownKey what has a clearer name.
var (
	goTypes    = regexp.MustCompile(` (in|into) type [\w.*\[\]]+`)
	unknownKey = regexp.MustCompile(`^field (\S+) not found$`)
)
