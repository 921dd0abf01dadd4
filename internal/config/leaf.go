package config

import (
	"encoding"
	"fmt"
	"io/fs"
	"math"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// kind is what a leaf of the document holds.
type kind int

const (
	kindSection kind = iota // no leaf
	kindText
	kindWord // one of Option.Words
	kindBool
	kindNumber
	kindSize // bytes
	kindDuration
	kindMode
	kindTime  // an instant
	kindRatio // 0 to 1
	kindList  // of texts
)

var (
	durationType = reflect.TypeFor[time.Duration]()
	timeType     = reflect.TypeFor[time.Time]()
	modeType     = reflect.TypeFor[fs.FileMode]()
	wordType     = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// kindOf tells it by the field's type, and for bytes by the key.
func kindOf(t reflect.Type, o *Option) kind {
	switch {
	case t == durationType:
		return kindDuration
	case t == timeType:
		return kindTime
	case t == modeType:
		return kindMode
	case reflect.PointerTo(t).Implements(wordType), t.Kind() == reflect.String && o != nil && o.Words != nil:
		return kindWord
	case t.Kind() == reflect.String:
		return kindText
	case t.Kind() == reflect.Bool:
		return kindBool
	case t.Kind() == reflect.Int64 && o != nil && strings.HasSuffix(o.Path, "_bytes"):
		return kindSize
	case t.Kind() == reflect.Int, t.Kind() == reflect.Int64:
		return kindNumber
	case t.Kind() == reflect.Float64:
		return kindRatio
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.String:
		return kindList
	default:
		return kindSection
	}
}

// wants says what a leaf of a kind takes.
func (k kind) wants(o *Option) string {
	switch k {
	case kindText:
		return "want text"
	case kindWord:
		return "want one of " + strings.Join(o.Words, ", ")
	case kindBool:
		return "want true or false"
	case kindNumber:
		return "want a whole number"
	case kindSize:
		return "want a number of bytes such as 65536 or 64KiB"
	case kindDuration:
		return "want a duration such as 10s or 5m"
	case kindMode:
		return "want permissions in octal, such as 0660"
	case kindTime:
		return "want a date such as 2026-01-31 or 2026-01-31T18:00:00Z"
	case kindRatio:
		return "want a number from 0 to 1"
	case kindList:
		return "want a list of texts"
	default:
		return "want keys and values"
	}
}

// tags are the kinds of scalars, as YAML sees them, that a leaf can be read from.
func (k kind) tags() []string {
	switch k {
	case kindBool:
		return []string{"!!bool"}
	case kindNumber:
		return []string{"!!int"}
	case kindMode:
		return []string{"!!int", "!!str"}
	case kindSize, kindDuration:
		return []string{"!!int", "!!str"}
	case kindWord:
		return []string{"!!str", "!!float"} // a version of TLS
	case kindTime:
		return []string{"!!str", "!!timestamp"}
	case kindRatio:
		return []string{"!!int", "!!float"}
	default:
		return []string{"!!str"}
	}
}

// leaf reads a scalar into v, and says what is wrong; "" for nothing.
func leaf(v reflect.Value, n *yaml.Node, o *Option, dir string) string {
	k := kindOf(v.Type(), o)
	bad := k.wants(o)
	if !o.Secret {
		bad += ", not " + described(n)
	}
	if n.Kind != yaml.ScalarNode || !slices.Contains(k.tags(), n.Tag) {
		return bad
	}
	switch k {
	case kindTime:
		at, ok := parseTime(n.Value)
		if !ok {
			return bad
		}
		v.Set(reflect.ValueOf(at))
	case kindText:
		v.SetString(beside(n.Value, o, dir))
	case kindRatio:
		ratio, err := strconv.ParseFloat(n.Value, 64)
		if err != nil || !(ratio >= 0 && ratio <= 1) { // NaN is neither
			return bad
		}
		v.SetFloat(ratio)
	case kindBool:
		b, err := strconv.ParseBool(n.Value)
		if err != nil {
			return bad
		}
		v.SetBool(b)
	case kindWord:
		if !slices.Contains(o.Words, n.Value) || setWord(v, n.Value) != nil {
			return bad
		}
	case kindMode:
		mode, ok := parseMode(n.Value)
		if !ok {
			return bad
		}
		v.SetUint(mode)
	default:
		number, ok := parseNumber(k, n.Value)
		if !ok {
			return bad
		}
		return setNumber(v, number, k, o)
	}
	return ""
}

// setWord sets a word to a text, or to what has texts for its values.
func setWord(v reflect.Value, word string) error {
	if values, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return values.UnmarshalText([]byte(word))
	}
	v.SetString(word)
	return nil
}

func parseNumber(k kind, text string) (int64, bool) {
	switch k {
	case kindSize:
		return parseSize(text)
	case kindDuration:
		d, err := time.ParseDuration(text)
		return int64(d), err == nil
	default:
		number, err := strconv.ParseInt(text, 10, 64)
		return number, err == nil
	}
}

func parseMode(text string) (uint64, bool) {
	mode, err := strconv.ParseUint(strings.Replace(text, "0o", "0", 1), 8, 32)
	return mode, err == nil && mode > 0 && mode <= uint64(fs.ModePerm)
}

func parseTime(text string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}

func setNumber(v reflect.Value, number int64, k kind, o *Option) string {
	switch {
	case number < 0 && !o.Signed:
		return "must not be negative"
	case o.Max > 0 && number > o.Max:
		return fmt.Sprintf("must not be more than %d", o.Max)
	case v.OverflowInt(number):
		return k.wants(o) + " that fits"
	}
	v.SetInt(number)
	return ""
}

var units = []struct {
	name  string
	bytes int64
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"B", 1}, {"", 1}}

// parseSize reads a number of bytes, with a unit or without: 65536, 64KiB, 64 KiB, 1MB.
func parseSize(text string) (int64, bool) {
	for _, u := range units {
		digits, ok := strings.CutSuffix(text, u.name)
		if !ok {
			continue
		}
		number, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
		if err != nil || number > math.MaxInt64/u.bytes || number < math.MinInt64/u.bytes {
			return 0, false
		}
		return number * u.bytes, true
	}
	return 0, false
}

// described is a value of a file, for a problem with it: short, and never more than is needed.
func described(n *yaml.Node) string {
	const most = 40
	switch {
	case n.Kind == yaml.AliasNode:
		return "an alias"
	case n.Kind == yaml.MappingNode:
		return "keys and values"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Tag == "!!null":
		return "nothing; leave the key out for the default"
	case len(n.Value) > most:
		return fmt.Sprintf("%.*q…", most, n.Value)
	case n.Tag == "!!str":
		return strconv.Quote(n.Value)
	default:
		return n.Value
	}
}

// beside is the name of a file that the configuration names, looked for from its own place.
func beside(name string, o *Option, dir string) string {
	if !o.File || name == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(dir, name)
}

// text writes a leaf as its flag takes it.
func text(v reflect.Value, o *Option) string {
	switch kindOf(v.Type(), o) {
	case kindMode:
		return fmt.Sprintf("%#o", v.Uint())
	case kindList:
		return strings.Join(v.Interface().([]string), ",")
	default:
		return fmt.Sprint(v.Interface())
	}
}
