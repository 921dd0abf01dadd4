package edge

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"

	yaml "go.yaml.in/yaml/v4"

	"github.com/wsedge/wsedge/internal/channel"
)

// description is a parsed OpenAPI document, as far as the test reads it.
type description struct {
	t    testing.TB
	root map[string]any
}

// at follows references and the path.
func (d *description) at(node any, path ...string) any {
	d.t.Helper()
	for _, step := range append([]string{""}, path...) {
		if step != "" {
			node = node.(map[string]any)[step]
		}
		for m, ok := node.(map[string]any); ok && m["$ref"] != nil; m, ok = node.(map[string]any) {
			node = d.at(d.root, strings.Split(strings.TrimPrefix(m["$ref"].(string), "#/"), "/")...)
		}
	}
	return node
}

// fits tells what of a value is not as the schema says: types, members that are required, members that it does not name.
func (d *description) fits(where string, schema, value any) (problems []string) {
	s, _ := d.at(schema).(map[string]any)
	if any, ok := s["anyOf"].([]any); ok {
		for _, alternative := range any {
			if len(d.fits(where, alternative, value)) == 0 {
				return nil
			}
		}
		return []string{where + ": fits no alternative"}
	}
	switch v := value.(type) {
	case map[string]any:
		properties, _ := s["properties"].(map[string]any)
		for name, member := range v {
			if property, known := properties[name]; known {
				problems = append(problems, d.fits(where+"."+name, property, member)...)
			} else if properties != nil {
				problems = append(problems, where+"."+name+" is not described")
			}
		}
		required, _ := s["required"].([]any)
		for _, name := range required {
			if _, ok := v[name.(string)]; !ok {
				problems = append(problems, fmt.Sprintf("%s.%s is missing", where, name))
			}
		}
	case []any:
		for i, element := range v {
			problems = append(problems, d.fits(fmt.Sprintf("%s[%d]", where, i), s["items"], element)...)
		}
	}
	if want, ok := s["type"].(string); ok && want != typeOf(value) {
		problems = append(problems, fmt.Sprintf("%s: %s, want %s", where, typeOf(value), want))
	}
	return problems
}

func typeOf(value any) string {
	switch v := value.(type) {
	case map[string]any:
		return "object"
	case []any:
		return "array"
	case string:
		return "string"
	case bool:
		return "boolean"
	case float64:
		if v == math.Trunc(v) {
			return "integer"
		}
		return "number"
	case json.Number:
		n, _ := v.Float64() // infinite, if it is too large
		return typeOf(n)
	case int:
		return "integer"
	}
	return fmt.Sprintf("%T", value)
}

// What the server says of its API is what it does: each path is there, its example is taken, and the answer has the form that is
// described, as has an error. What is not described is not there.
func TestOpenAPI(t *testing.T) {
	cfg := authConfig()
	everything := &channel.Options{Subscribe: channel.Anyone, HistorySize: 10, Members: true}
	cfg.Namespaces = &channel.Namespaces{Default: *everything}
	cfg.FlightRecorder.Enabled = true
	s := startServer(t, cfg)
	status, text := call(t, s, "GET", "/api/openapi.yaml", "", nil) // without a key
	if status != http.StatusOK {
		t.Fatal(status, text)
	}
	d := &description{t: t}
	if err := yaml.Unmarshal([]byte(text), &d.root); err != nil {
		t.Fatal(err)
	}
	paths := d.at(d.root, "paths").(map[string]any)
	var described []string
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		described = append(described, path)
		for method, operation := range paths[path].(map[string]any) {
			body := ""
			if request := d.at(operation, "requestBody"); request != nil {
				json, err := json.Marshal(d.at(request, "content", "application/json", "example"))
				if err != nil {
					t.Fatal(err)
				}
				body = string(json)
				var example any
				_ = yaml.Unmarshal(json, &example)
				for _, problem := range d.fits("example", d.at(request, "content", "application/json", "schema"), example) {
					t.Errorf("%s: %s", path, problem)
				}
			}
			for want, key := range map[int]map[string]string{200: apiKey, 401: nil} {
				status, answer := call(t, s, strings.ToUpper(method), path, body, key)
				response := map[int]string{200: "200", 401: "default"}[want]
				var value any
				if err := json.Unmarshal([]byte(answer), &value); err != nil || status != want {
					t.Errorf("%s: %d %s, want %d", path, status, answer, want)
					continue
				}
				for _, problem := range d.fits("answer", d.at(operation, "responses", response, "content", "application/json", "schema"), value) {
					t.Errorf("%s: %d: %s", path, want, problem)
				}
			}
		}
	}
	want := []string{"batch", "broadcast", "channels", "client", "disconnect", "history", "info", "presence", "publish", "revoke", "subscribe", "unsubscribe", "why"}
	for i, word := range want {
		want[i] = "/api/" + word
	}
	if !slices.Equal(described, want) {
		t.Errorf("described: %v, want %v", described, want)
	}
}
