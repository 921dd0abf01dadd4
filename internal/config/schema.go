package config

import (
	"bytes"
	"encoding/json"
	"reflect"
)

// schemaDialect is the draft that editors understand best.
const schemaDialect = "https://json-schema.org/draft/2020-12/schema"

// Schema is the JSON schema of the file, for editors. It tells what they can help with; wsedge check knows more.
func Schema() []byte {
	root := schemaOf(reflect.TypeFor[Document](), "")
	root["$schema"] = schemaDialect
	root["title"] = "wsedge.yaml"
	root["description"] = "Configuration of the wsedge push server."
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(root); err != nil {
		panic(err) // maps of strings: it cannot fail
	}
	return b.Bytes()
}

// schemaOf is that of a section.
func schemaOf(t reflect.Type, path string) map[string]any {
	properties := map[string]any{}
	for i := range t.NumField() {
		field := t.Field(i)
		if key := keyOf(field); key != "" {
			properties[key] = schemaOfField(field.Type, join(path, key))
		}
	}
	schema := map[string]any{"type": []string{"object", "null"}, "additionalProperties": false, "properties": properties}
	if doc := sectionDoc(path); doc != "" {
		schema["description"] = doc
	}
	return schema
}

func schemaOfField(t reflect.Type, path string) map[string]any {
	switch {
	case t.Kind() == reflect.Map:
		return map[string]any{
			"type": []string{"object", "null"}, "description": sectionDoc(path),
			"propertyNames":        map[string]any{"pattern": `^[A-Za-z0-9_\-.#@]{1,255}$`},
			"additionalProperties": schemaOf(t.Elem().Elem(), path+".NAME"),
		}
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct:
		return map[string]any{"type": []string{"array", "null"}, "description": sectionDoc(path), "items": schemaOf(t.Elem(), path+"[]")}
	}
	o := optionOf(path)
	if k := kindOf(t, o); k != kindSection {
		return schemaOfLeaf(k, o)
	}
	return schemaOf(t, path)
}

func schemaOfLeaf(k kind, o *Option) map[string]any {
	schema := map[string]any{"description": o.about()}
	switch k {
	case kindText:
		schema["type"] = "string"
	case kindWord:
		schema["enum"] = words(o)
	case kindBool:
		schema["type"] = "boolean"
	case kindNumber:
		schema["type"] = "integer"
	case kindSize:
		schema["type"], schema["pattern"] = []string{"integer", "string"}, `^[0-9]+ *([KMG]iB|[kMG]?B)?$`
	case kindDuration:
		schema["type"], schema["pattern"] = []string{"integer", "string"}, `^-?(0|([0-9.]+(ns|us|µs|ms|s|m|h))+)$`
	case kindMode:
		schema["type"] = []string{"integer", "string"}
	case kindTime:
		schema["type"] = "string"
	case kindRatio:
		schema["type"], schema["minimum"], schema["maximum"] = "number", 0, 1
	case kindList:
		items := map[string]any{"type": "string"}
		if o.Words != nil {
			items = map[string]any{"enum": words(o)}
		}
		schema["type"], schema["items"] = []string{"array", "string"}, items
	}
	if k == kindNumber || k == kindSize {
		if !o.Signed {
			schema["minimum"] = 0
		}
		if o.Max > 0 {
			schema["maximum"] = o.Max
		}
	}
	return schema
}

// words are the values of an option that has words. A version of TLS is a number to YAML unless it is quoted.
func words(o *Option) (all []any) {
	for _, word := range o.Words {
		all = append(all, word)
		if number := json.Number(word); json.Valid([]byte(word)) {
			all = append(all, number)
		}
	}
	return all
}

// about is all that is to be said of an option, in a paragraph.
func (o *Option) about() string {
	about := o.Doc
	if o.Default != "" {
		about += " Default: " + o.Default + "."
	}
	if o.Danger != "" {
		about += " Danger: " + o.Danger + "."
	}
	return about
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func sectionDoc(path string) string {
	for _, s := range sections {
		if s.path == path {
			return s.doc
		}
	}
	return ""
}
