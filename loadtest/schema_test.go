package loadtest

import (
	"bytes"
	"encoding/json"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

var update = flag.Bool("update", false, "write the schema and the golden files anew")

const schemaFile = "../docs/wsload-result.schema.json"

// TestSchemaIsThatOfReport keeps the published schema in step with the Go types. It is made from them and their comments.
func TestSchemaIsThatOfReport(t *testing.T) {
	s := schemaMaker{comments: fieldComments(t), defs: map[string]any{}}
	root := s.object(reflect.TypeFor[Report]())
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["$id"] = "https://github.com/wsedge/wsedge/docs/wsload-result.schema.json"
	root["title"] = "Result of a wsload run"
	root["description"] = "Times are in the unit that a name ends in. A version may gain fields; a field that changes its meaning changes the version."
	root["$defs"] = s.defs
	want, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	if *update {
		if err := os.WriteFile(schemaFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is out of date: go test ./loadtest -run TestSchemaIsThatOfReport -update", schemaFile)
	}
}

// schemaMaker describes Go types. Structs are named in defs.
type schemaMaker struct {
	comments map[string]string // by "Type.Field", and by "Type"
	defs     map[string]any
}

func (s schemaMaker) object(of reflect.Type) map[string]any {
	properties, required := map[string]any{}, []string{}
	for field := range of.Fields() {
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		property := s.of(field.Type)
		if comment := s.comments[of.Name()+"."+field.Name]; comment != "" {
			property["description"] = comment
		}
		if name == "schema" {
			property["const"] = SchemaVersion
		}
		properties[name] = property
		if options != "omitempty" {
			required = append(required, name)
		}
	}
	return map[string]any{"type": "object", "properties": properties, "required": required}
}

func (s schemaMaker) of(t reflect.Type) map[string]any {
	if t == reflect.TypeFor[time.Time]() {
		return map[string]any{"type": "string", "format": "date-time"}
	}
	switch t.Kind() {
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int, reflect.Int64:
		return map[string]any{"type": "integer"}
	case reflect.Uint64:
		return map[string]any{"type": "integer", "minimum": 0}
	case reflect.Float64:
		return map[string]any{"type": "number"}
	case reflect.String:
		if t == reflect.TypeFor[Scenario]() {
			return map[string]any{"enum": []Scenario{Fanout, Echo, Idle}}
		}
		return map[string]any{"type": "string"}
	case reflect.Slice:
		return map[string]any{"type": "array", "items": s.of(t.Elem())}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": s.of(t.Elem())}
	case reflect.Pointer:
		return s.of(t.Elem())
	case reflect.Struct:
		if s.defs[t.Name()] == nil {
			definition := s.object(t)
			definition["description"] = s.comments[t.Name()]
			s.defs[t.Name()] = definition
		}
		return map[string]any{"$ref": "#/$defs/" + t.Name()}
	}
	panic("no schema for " + t.String())
}

// fieldComments reads the comments of this package's structs.
func fieldComments(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	comments := map[string]string{}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			declaration, ok := n.(*ast.GenDecl)
			if !ok || declaration.Tok != token.TYPE {
				return true
			}
			noteComments(comments, declaration)
			return false
		})
	}
	return comments
}

func noteComments(comments map[string]string, declaration *ast.GenDecl) {
	for _, spec := range declaration.Specs {
		named := spec.(*ast.TypeSpec)
		structure, ok := named.Type.(*ast.StructType)
		if !ok {
			continue
		}
		comments[named.Name.Name] = oneLine(declaration.Doc)
		for _, field := range structure.Fields.List {
			text := oneLine(field.Doc)
			if text == "" {
				text = oneLine(field.Comment)
			}
			for _, name := range field.Names {
				comments[named.Name.Name+"."+name.Name] = text
			}
		}
	}
}

func oneLine(c *ast.CommentGroup) string { return strings.Join(strings.Fields(c.Text()), " ") }

// checkSchema fails the test if the report's JSON is not as the published schema says.
func checkSchema(t *testing.T, r *Report) {
	t.Helper()
	schema, err := jsonschema.NewCompiler().Compile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := r.WriteJSON(&text); err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(&text)
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(value); err != nil {
		t.Errorf("%#v", err)
	}
}

func TestEmptyReportIsValid(t *testing.T) {
	checkSchema(t, &Report{Schema: SchemaVersion, Config: ConfigEcho{Scenario: Idle}, Server: &Server{}})
}

func TestSchemaRefusesOthers(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	var good bytes.Buffer
	if err := (&Report{Schema: SchemaVersion, Config: ConfigEcho{Scenario: Idle}}).WriteJSON(&good); err != nil {
		t.Fatal(err)
	}
	for _, change := range [][2]string{
		{SchemaVersion, "other/1"}, {`"idle"`, `"flood"`}, {`"verdict"`, `"opinion"`}, {`"lost": 0`, `"lost": -1`}, {`"reasons": []`, `"reasons": null`},
	} {
		text := strings.Replace(good.String(), change[0], change[1], 1)
		if text == good.String() {
			t.Errorf("%s is not there", change[0])
		}
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if schema.Validate(value) == nil {
			t.Errorf("%s in place of %s is valid", change[1], change[0])
		}
	}
}

func TestJSONRoundTrip(t *testing.T) {
	var text bytes.Buffer
	sent := &Report{Schema: SchemaVersion, Seconds: []Interval{{At: 1, P99: 7}}}
	if err := sent.WriteJSON(&text); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadJSON(&text); err != nil || got.Seconds[0] != sent.Seconds[0] {
		t.Errorf("%+v, %v", got, err)
	}
	for _, bad := range []string{"", "[]", `{"schema":"wsload/0"}`} {
		if _, err := ReadJSON(strings.NewReader(bad)); err == nil {
			t.Errorf("%q is read without an error", bad)
		}
	}
	if sent.Verdict.Reasons != nil {
		t.Error("writing has changed the report")
	}
}
