package edge

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	yaml "go.yaml.in/yaml/v4"

	"github.com/wsedge/wsedge/internal/channel"
)

// apiMethods are what FuzzAPIBodies chooses from. Those behind batch, which has its own rules, are none of the API.
var apiMethods = []string{"publish", "broadcast", "subscribe", "unsubscribe", "disconnect", "revoke", "presence", "channels", "history", "batch", "nothing", "Publish"}

// apiStatuses are those that the description lists, but for 401, 403 and 405, which a good key and POST never get.
var apiStatuses = []int{200, 400, 404, 413, 429, 503}

// outOfBounds tells what of a value breaks the bounds of the schema.
func (d *description) outOfBounds(where string, schema, value any) (problems []string) {
	s, _ := d.at(schema).(map[string]any)
	bound := func(keyword string) (int, bool) { n, ok := s[keyword].(int); return n, ok }
	check := func(least, most string, n float64) {
		if limit, ok := bound(least); ok && n < float64(limit) {
			problems = append(problems, fmt.Sprintf("%s: %v is below %d", where, n, limit))
		}
		if limit, ok := bound(most); ok && n > float64(limit) {
			problems = append(problems, fmt.Sprintf("%s: %v is above %d", where, n, limit))
		}
	}
	switch v := value.(type) {
	case map[string]any:
		properties, _ := s["properties"].(map[string]any)
		for name, property := range properties {
			if member, ok := v[name]; ok {
				problems = append(problems, d.outOfBounds(where+"."+name, property, member)...)
			}
		}
	case []any:
		check("minItems", "maxItems", float64(len(v)))
		for i, element := range v {
			problems = append(problems, d.outOfBounds(fmt.Sprintf("%s[%d]", where, i), s["items"], element)...)
		}
	case json.Number:
		n, _ := v.Float64() // infinite, if it is too large
		check("minimum", "maximum", n)
	case string:
		check("minLength", "maxLength", float64(utf8.RuneCountInString(v)))
		if pattern, ok := s["pattern"].(string); ok && !regexp.MustCompile(pattern).MatchString(v) {
			problems = append(problems, fmt.Sprintf("%s: %q is not %s", where, v, pattern))
		}
	}
	return problems
}

// undescribed tells what of an answer is not as the description has it: of the method, or of an error.
func (d *description) undescribed(method string, status int, answer any) []string {
	if !slices.Contains(apiStatuses, status) {
		return []string{fmt.Sprint("status ", status)}
	}
	response := any(map[string]any{"$ref": "#/components/responses/error"})
	if status == http.StatusOK {
		verb := "post"
		if method == "info" {
			verb = "get"
		}
		response = d.at(d.root, "paths", "/api/"+method, verb, "responses", "200")
	}
	return d.fits("answer", d.at(response, "content", "application/json", "schema"), answer)
}

// accepted tells what of a body that was accepted the description does not allow. Members that it does not know are ignored.
func (d *description) accepted(method string, body any) (problems []string) {
	schema := d.at(d.root, "paths", "/api/"+method, "post", "requestBody", "content", "application/json", "schema")
	for _, problem := range d.fits("body", schema, body) {
		if !strings.HasSuffix(problem, "is not described") {
			problems = append(problems, problem)
		}
	}
	if method == "subscribe" || method == "unsubscribe" {
		return problems // wildcards are in no pattern
	}
	return append(problems, d.outOfBounds("body", schema, body)...)
}

// batch tells what of the replies to a batch is not as each command's own answer is described.
func (d *description) batch(body, answer any) (problems []string) {
	commands := body.(map[string]any)["commands"].([]any)
	replies := answer.(map[string]any)["replies"].([]any)
	if len(replies) != len(commands) {
		return []string{fmt.Sprintf("%d replies to %d commands", len(replies), len(commands))}
	}
	for i, one := range replies {
		command, one := commands[i].(map[string]any), one.(map[string]any)
		method := command["method"].(string)
		status, _ := one["status"].(json.Number).Int64()
		for _, problem := range d.undescribed(method, int(status), one["reply"]) {
			problems = append(problems, fmt.Sprintf("%d, %s: %s", i, method, problem))
		}
		if status == http.StatusOK && method != "info" {
			problems = append(problems, d.accepted(method, command["params"])...)
		}
	}
	return problems
}

// parsed reads JSON, numbers of any size included.
func parsed(text []byte) (value any, err error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err = decoder.Decode(&value); err == nil && decoder.More() {
		err = errors.New("more than one value")
	}
	return value, err
}

// FuzzAPIBodies sends anything to every method: there is always an answer, it is JSON as the description has it, with a status that it lists, and
// what is accepted is what it allows.
func FuzzAPIBodies(f *testing.F) {
	cfg := authConfig()
	cfg.MaxChannels = 100
	cfg.Namespaces = &channel.Namespaces{Default: channel.Options{Subscribe: channel.Anyone, HistorySize: 10, Members: true, MaxMessageBytes: 1000}}
	s := startServer(f, cfg)
	handler := s.routes()
	ask := func(verb, method string, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(verb, "/api/"+method, strings.NewReader(body))
		r.Host = s.Addr().String()
		r.Header.Set("X-API-Key", apiKey["X-API-Key"])
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w
	}
	d := &description{t: f}
	if err := yaml.Unmarshal(ask("GET", "openapi.yaml", "").Body.Bytes(), &d.root); err != nil {
		f.Fatal(err)
	}
	for i, method := range apiMethods[:slices.Index(apiMethods, "batch")+1] {
		example, err := json.Marshal(d.at(d.root, "paths", "/api/"+method, "post", "requestBody", "content", "application/json", "example"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(i), example)
	}
	for i, text := range []string{
		`{"user":"42","data":null,"exclude":"x","channel":"news"}`, `{"channels":["a","b c",1],"data":1}`, `{"client":"x","channel":"chat:*"}`, `{"user":""}`, `{"user":1}`,
		`{"token":"\ud800"}`, `{"token":"x","user":"y"}`, `{"channel":"news","limit":501,"after":"b"}`, `{"prefix":"a","limit":0.5}`,
		`{"channel":"news","since":{"epoch":"x","offset":18446744073709551615},"limit":1e1}`, `{"commands":[{"method":"info","params":{}},{"method":"batch","params":{}}]}`,
	} {
		f.Add(uint8(i), []byte(text))
	}
	f.Fuzz(func(t *testing.T, number uint8, body []byte) {
		d := &description{t: t, root: d.root}
		method := apiMethods[int(number)%len(apiMethods)]
		w := ask("POST", method, string(body))
		answer, err := parsed(w.Body.Bytes())
		if err != nil {
			t.Fatalf("%s %q: %q: %v", method, body, w.Body, err)
		}
		problems := d.undescribed(method, w.Code, answer)
		if again := w.Code == http.StatusServiceUnavailable || w.Code == http.StatusTooManyRequests; again != (w.Header().Get("Retry-After") != "") {
			problems = append(problems, fmt.Sprintf("Retry-After: %q", w.Header().Get("Retry-After")))
		}
		if w.Code == http.StatusOK {
			asked, err := parsed(body)
			if err != nil {
				t.Fatalf("%s accepts %q: %v", method, body, err)
			}
			problems = append(problems, d.accepted(method, asked)...)
			if method == "batch" {
				problems = append(problems, d.batch(asked, answer)...)
			}
		}
		if len(problems) > 0 {
			t.Fatalf("%s %q: %d %s: %q", method, body, w.Code, w.Body, problems)
		}
	})
}
