package main

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/wsedge/wsedge/loadtest"
)

// TestRecipesOfTheDocumentation reads the protocols that docs/WSLOAD.md shows: they are those that have names.
func TestRecipesOfTheDocumentation(t *testing.T) {
	page, err := os.ReadFile("../../docs/WSLOAD.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]bool{}
	for _, block := range strings.Split(string(page), "```yaml\n# ")[1:] {
		file, text, _ := strings.Cut(block, "\n")
		text, _, _ = strings.Cut(text, "```")
		name, isRecipe := strings.CutSuffix(file, ".yaml")
		want, err := loadtest.Recipe(name)
		if !isRecipe || err != nil {
			continue // a scenario
		}
		shown[name] = true
		got, err := readProtocol(write(t, file, text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if !reflect.DeepEqual(*got, want) {
			t.Errorf("%s is documented as %+v, but is %+v", name, *got, want)
		}
	}
	for _, name := range []string{"wsedge", "echo", "centrifugo", "socketio"} {
		if !shown[name] {
			t.Errorf("%s is not documented", name)
		}
	}
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestProtocolFiles(t *testing.T) {
	cases := []struct {
		text string
		want []string // in the error; none if it is good
	}{
		{"name: x\necho: '{{payload}}'\n", nil},
		{"publish: {websocket: {send: '{{payload}}', ack: none}}\n", nil},
		{"publish: {websocket: {send: '{{payload}}', ack: delivery, setup: []}}\n", nil},
		{"setpu: []\nsetup:\n  - sned: a\n    expect: {json: {id: 1}, is: x}\n",
			[]string{"p.yaml:1: unknown key setpu", "p.yaml:3: unknown key sned", "p.yaml:4: unknown key is"}},
		{"publish: {websocket: {send: '{{payload}}', ack: {euqals: a}}}\n", []string{"p.yaml:1: unknown key euqals"}},
		{"publish:\n  websocket: {send: '{{payload}}', ack: maybe}\n", []string{"p.yaml:2: ", "want a rule, delivery or none"}},
		{"echo: [a]\n", []string{"p.yaml:1: "}},
		{"echo: a\n  b: c\n", []string{"p.yaml:"}},
		{"echo: a\necho: b\n", []string{"p.yaml:2: "}},
		{"--- {}\n--- {}\n", []string{"p.yaml"}},
		{"echo: '{{name}}'\nsplit: comma\n", []string{"echo: unknown variable {{name}}", "split: want newline"}},
	}
	for _, c := range cases {
		got, err := readProtocol(write(t, "p.yaml", c.text))
		if len(c.want) == 0 {
			if err != nil || got.Name == "" {
				t.Errorf("%s%v, %+v", c.text, err, got)
			}
			continue
		}
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "loadtest.") {
				t.Errorf("%s%v, want %s", c.text, err, want)
			}
		}
	}
	for _, name := range []string{"/does/not/exist.yaml", "sockets", "protocol.json"} {
		if _, err := readProtocol(name); err == nil {
			t.Errorf("%s is read", name)
		}
	}
}

func TestMessageOptions(t *testing.T) {
	opts, err := parseOptions(loadtest.Fanout, []string{
		"ws://h/ws", "--protocol", "centrifugo", "--topics", "5", "--topic-sizes", "zipf:1.5", "--topic-rates", "size", "--publish-by", "websocket",
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := opts.config
	if c.Protocol.Name != "centrifugo" || c.Topics != 5 || c.TopicSizes.String() != "zipf:1.5" || c.TopicRates != loadtest.RatesBySize ||
		c.PublishBy != loadtest.PublishByWebSocket {
		t.Errorf("%+v", c)
	}
	for _, args := range []string{"--protocol x", "--topic-sizes zipf", "--topics many"} {
		if _, err := parseOptions(loadtest.Fanout, append(strings.Fields(args), "ws://h/ws"), nil); err == nil {
			t.Errorf("%s is taken", args)
		}
	}
	for _, args := range []string{"echo ws://127.0.0.1:1/ --topics 2", "idle ws://127.0.0.1:1/ --topic-rates size", "fanout ws://127.0.0.1:1/ --publish-by post",
		"fanout ws://127.0.0.1:1/ --topic-rates fair", "fanout ws://127.0.0.1:1/ --topics 2000", "fanout ws://127.0.0.1:1/ --protocol echo"} {
		var stderr strings.Builder
		if code := run(strings.Fields(args), nil, &strings.Builder{}, &stderr); code != exitUsage {
			t.Errorf("%s: exit %d, %s", args, code, stderr.String())
		}
	}
}
