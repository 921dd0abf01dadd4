package loadtest

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// isCounts says whether the path is that of a map of counts.
func isCounts(path []string) bool {
	at := reflect.TypeFor[Report]()
	for _, part := range path {
		if at = child(at, part); at == nil {
			return false
		}
	}
	return at.Kind() == reflect.Map
}

// findNumber finds the one path in the report that a name stands for.
func findNumber(name string) ([]string, error) {
	if name == "" {
		return nil, errors.New("no name in front of the comparison")
	}
	parts := strings.Split(name, ".")
	if path := follow(reflect.TypeFor[Report](), parts); path != nil {
		return path, nil
	}
	if len(parts) == 1 {
		if path := follow(reflect.TypeFor[Report](), []string{"latency", name}); path != nil {
			return path, nil
		}
	}
	found := map[string][]string{}
	for _, prefix := range objects(reflect.TypeFor[Report](), nil) {
		if path := follow(reflect.TypeFor[Report](), append(slices.Clip(prefix), parts...)); path != nil {
			found[strings.Join(path, ".")] = path
		}
	}
	names := slices.Sorted(maps.Keys(found))
	switch len(names) {
	case 0:
		return nil, fmt.Errorf("the report has no number %q: see the JSON for their names", name)
	case 1:
		return found[names[0]], nil
	default:
		return nil, fmt.Errorf("%q could be %s", name, strings.Join(names, " or "))
	}
}

// follow goes down from a type; nil if that does not lead to a number.
func follow(at reflect.Type, parts []string) (path []string) {
	for _, part := range parts {
		name, next := part, child(at, part)
		for _, unit := range []string{"_us", "_s"} {
			if next == nil {
				name, next = part+unit, child(at, part+unit)
			}
		}
		if next == nil {
			return nil
		}
		path, at = append(path, name), next
	}
	if at.Kind() == reflect.Pointer { // left out where it was not measured
		at = at.Elem()
	}
	switch at.Kind() {
	case reflect.Int, reflect.Int64, reflect.Uint32, reflect.Uint64, reflect.Float64:
		return path
	case reflect.Map:
		return path
	default:
		return nil
	}
}

// child is the type of a field by its JSON name, of an element by its number, or of a count by its key; nil if there is none.
func child(at reflect.Type, name string) reflect.Type {
	if at.Kind() == reflect.Pointer {
		at = at.Elem()
	}
	switch at.Kind() {
	case reflect.Map:
		return at.Elem()
	case reflect.Slice:
		if at.Elem() == reflect.TypeFor[PhaseReport]() && phaseName.MatchString(name) {
			return at.Elem()
		}
		if _, err := strconv.ParseUint(name, 10, 31); err == nil {
			return at.Elem()
		}
	case reflect.Struct:
		for i := range at.NumField() {
			if jsonName(at.Field(i)) == name {
				return at.Field(i).Type
			}
		}
	}
	return nil
}

// phase is the name of the phase that the expectation is about; "" where it is about none, or gives its number.
func (e Expectation) phase() string {
	if len(e.path) > 1 && e.path[0] == "phases" && phaseName.MatchString(e.path[1]) {
		return e.path[1]
	}
	return ""
}

// named finds the element of a list that has that name.
func named(list []any, name string) (any, bool) {
	for _, element := range list {
		if object, ok := element.(map[string]any); ok && object["name"] == name {
			return object, true
		}
	}
	return nil, false
}

// objects lists the paths of all objects below a type, but for those in lists and the slow connections: a bare name is never
// about these.
func objects(at reflect.Type, path []string) (paths [][]string) {
	if at.Kind() == reflect.Pointer {
		at = at.Elem()
	}
	if at.Kind() != reflect.Struct || at == reflect.TypeFor[SlowReport]() {
		return nil
	}
	paths = append(paths, path)
	for i := range at.NumField() {
		if name := jsonName(at.Field(i)); name != "" {
			paths = append(paths, objects(at.Field(i).Type, append(slices.Clip(path), name))...)
		}
	}
	return paths
}

func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}
