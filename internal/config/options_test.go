package config

import (
	"flag"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"
)

var update = flag.Bool("update", false, "write the pages made from Options anew")

// leaves are the paths of all fields of a struct that hold a value, and containers those that hold fields.
func leaves(t *testing.T, of reflect.Type, path string) (paths, containers []string) {
	for i := range of.NumField() {
		field := of.Field(i)
		key := keyOf(field)
		if key == "" {
			continue
		}
		at := join(path, key)
		if optionOf(at) != nil {
			paths = append(paths, at)
			continue
		}
		inner := field.Type
		switch inner.Kind() {
		case reflect.Map:
			inner = inner.Elem().Elem()
			containers = append(containers, at)
			at += ".x"
		case reflect.Slice:
			inner = inner.Elem()
			containers = append(containers, at)
			at += "[]"
		}
		if inner.Kind() != reflect.Struct {
			t.Errorf("%s is not in Options", at)
			continue
		}
		below, sections := leaves(t, inner, at)
		paths, containers = append(paths, below...), append(append(containers, at), sections...)
	}
	return paths, containers
}

func TestOptionsAreTheFields(t *testing.T) {
	paths, containers := leaves(t, reflect.TypeFor[Document](), "")
	seen := map[string]bool{}
	for _, o := range Options {
		if seen[o.Path] {
			t.Errorf("%s stands twice", o.Path)
		}
		seen[o.Path] = true
		if !slices.Contains(paths, o.Path) {
			t.Errorf("%s is in Options and no field", o.Path)
		}
		if !strings.HasSuffix(o.Doc, ".") || strings.HasSuffix(o.Danger, ".") {
			t.Errorf("%s: the text must end with a dot, the danger without", o.Path)
		}
	}
	for _, path := range paths {
		if !seen[canonical(path)] {
			t.Errorf("%s is not in Options", path)
		}
	}
	for _, s := range sections {
		if !slices.Contains(containers, s.path) {
			t.Errorf("section %s is no field", s.path)
		}
	}
	for _, path := range containers {
		if sectionDoc(path) == "" && !strings.HasSuffix(path, ".x") && !strings.HasSuffix(path, "[]") {
			t.Errorf("section %s has no text", path)
		}
	}
}

// TestDefaultsCanBeSet reads each default as if it stood in a file.
func TestDefaultsCanBeSet(t *testing.T) {
	for i := range Options {
		o := &Options[i]
		if o.Default == "" || o.inList() {
			continue
		}
		v := newDocument().at(o.Path)
		var n yaml.Node
		if err := yaml.Unmarshal([]byte(o.Default), &n); err != nil {
			t.Fatal(err)
		}
		if what := leaf(v, n.Content[0], o, ""); what != "" {
			t.Errorf("%s: %s", o.Path, what)
		}
	}
}

// TestPages keeps what is made from Options up to date.
func TestPages(t *testing.T) {
	for file, want := range map[string][]byte{"../../docs/wsedge.schema.json": Schema(), "../../docs/CONFIGURATION.md": Reference()} {
		if *update {
			if err := os.WriteFile(file, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(file)
		if err != nil || string(got) != string(want) {
			t.Errorf("%s is not what Options say: go test ./internal/config -run TestPages -update (%v)", file, err)
		}
	}
}

// inSchema tells whether the schema takes a file.
func inSchema(t *testing.T, text string) error {
	t.Helper()
	definition, err := jsonschema.UnmarshalJSON(strings.NewReader(string(Schema())))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("wsedge.json", definition); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("wsedge.json")
	if err != nil {
		t.Fatal(err)
	}
	var value any
	if err := yaml.Unmarshal([]byte(text), &value); err != nil {
		t.Fatal(err)
	}
	return schema.Validate(value)
}

func TestSchemaAgrees(t *testing.T) {
	for _, text := range []string{full, string(Sample(nil))} {
		if err := inSchema(t, text); err != nil {
			t.Errorf("refused by the schema: %v\n%s", err, text)
		}
	}
	for _, text := range []string{
		"listen: {adr: x}", "lisen: {}", "limits: {max_conns: -1}", "limits: {max_conns: many}", "limits: {node_max_bytes: 1 Kib}", "tls: {min_version: 1.1}",
		"namespaces: {default: {subscribe: everyone}}", "namespaces: {named: {a: {slow: drop}}}", "namespaces: {named: {'a:b': {}}}", "heartbeat: {ping_interval: soon}",
	} {
		if inSchema(t, text) == nil {
			t.Errorf("taken by the schema: %s", text)
		}
		if _, err := Parse("f", []byte(text), ""); err == nil {
			t.Errorf("taken: %s", text)
		}
	}
}

// There is nothing that lets tokens in without their signature being looked at, and whatever opens the server to everybody says what that means.
func TestNothingSkipsVerification(t *testing.T) {
	for i := range Options {
		o := &Options[i]
		for _, word := range []string{"skip", "verif", "unsigned", "trust_all", "disable", "allow_none"} {
			if strings.Contains(o.Path, word) && !strings.HasPrefix(o.Path, "namespaces.") {
				t.Errorf("%s: is that so?", o.Path)
			}
		}
		if (strings.Contains(o.Path, "insecure") || strings.Contains(o.Path, "anonymous")) && o.Danger == "" {
			t.Errorf("%s has no danger", o.Path)
		}
	}
}
