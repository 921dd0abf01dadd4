package loadtest

import (
	"strings"
	"testing"
)

func TestRules(t *testing.T) {
	v := &values{channel: `a"b`, id: 3, conn: 9}
	json := func(pairs ...string) map[string]string {
		m := map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = pairs[i+1]
		}
		return m
	}
	cases := []struct {
		rule Rule
		text string
		want bool
	}{
		{Rule{Equals: "2"}, "2", true},
		{Rule{Equals: "2"}, "2 ", false},
		{Rule{Prefix: "43{{id}}["}, "433[]", true},
		{Rule{Prefix: "43{{id}}["}, "434[]", false},
		{Rule{Prefix: "longer than that"}, "longer", false},
		{Rule{Contains: `"{{channel}}"`}, `{"c":"a\"b"}`, true},
		{Rule{Contains: "x"}, "yz", false},
		{Rule{Prefix: "a", Contains: "c"}, "abc", true},
		{Rule{Prefix: "a", Contains: "d"}, "abc", false},
		{Rule{JSON: json("type", "subscribed", "id", "{{id}}")}, ` {"id":3,"type":"subscribed"} `, true},
		{Rule{JSON: json("id", "{{id}}")}, `{"id":"3"}`, true},
		{Rule{JSON: json("id", "{{id}}")}, `{"id":3.0}`, false},
		{Rule{JSON: json("c", "{{channel}}")}, `{"c":"a\"b"}`, true},
		{Rule{JSON: json("a.1.b", "true")}, `{"a":[0,{"b":true}]}`, true},
		{Rule{JSON: json("a.2.b", "true")}, `{"a":[0,{"b":true}]}`, false},
		{Rule{JSON: json("a.-1", "0")}, `{"a":[0]}`, false},
		{Rule{JSON: json("a", "null")}, `{"a":null}`, true},
		{Rule{JSON: json("a", "null")}, `{}`, false},
		{Rule{JSON: json("a", "{}")}, `{"a":{}}`, false},
		{Rule{JSON: json("a.b", "1")}, `{"a":1}`, false},
		{Rule{JSON: json("a", "1")}, `{"a":1}{"a":1}`, false},
		{Rule{JSON: json("a", "1")}, `{"a":1`, false},
		{Rule{JSON: json("a", "1")}, ``, false},
		{Rule{JSON: json("n", "9007199254740993")}, `{"n":9007199254740993}`, true},
	}
	var m incoming
	for _, c := range cases {
		compiled, err := c.rule.compile(variableChannel, variableConn, variableID)
		if err != nil {
			t.Errorf("%+v: %v", c.rule, err)
			continue
		}
		if m.take([]byte(c.text)); compiled.holds(&m, v) != c.want {
			t.Errorf("%+v of %s: got %v", c.rule, c.text, !c.want)
		}
	}
}

func TestRefusalRules(t *testing.T) {
	r, err := compileRefusal("refused", &Refusal{Rule: Rule{JSON: map[string]string{"id": "1"}}, Code: "error.code"})
	if err != nil {
		t.Fatal(err)
	}
	var m incoming
	for text, code := range map[string]string{
		`{"id":1,"error":{"code":103,"message":"no"}}`:    "103",
		`{"id":1,"error":{"code":"\u001b[31m","x":"no"}}`: "?[31m",
		`{"id":1,"result":{}}`:                            "",
		`{"id":2,"error":{"code":103}}`:                   "",
	} {
		m.take([]byte(text))
		if holds := r.holds(&m, &values{}); holds != (code != "") || holds && r.codeOf(&m) != code {
			t.Errorf("%s: holds %v, code %q", text, holds, r.codeOf(&m))
		}
	}
	plain, err := compileRefusal("refused", &Refusal{Rule: Rule{Prefix: "44"}})
	if m.take([]byte("44x")); err != nil || !plain.holds(&m, &values{}) || plain.codeOf(&m) != "refused" {
		t.Errorf("without a code: %v", err)
	}
}

func TestRulesRefused(t *testing.T) {
	_, err := compileRule("expect", &Rule{Equals: "{{a}}", Prefix: "{{b}}", Contains: "{{c}}", JSON: map[string]string{"d": "{{d}}"}})
	for _, want := range []string{"expect: equals: unknown variable {{a}}", "prefix", "contains", "json.d: unknown"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if _, err := compileRule("expect", &Rule{}); err == nil {
		t.Error("a rule without a condition means everything")
	}
}
