package wsedge_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/wsedge/wsedge/"

// rule says what the packages below in may not import, and why. A name stands for itself and all below it.
type rule struct {
	in      string
	but     []string // packages below in that may
	import_ []string
	reason  string
}

var rules = []rule{
	{"", []string{"pool"}, []string{"github.com/valyala/bytebufferpool"},
		"pool is the one place that knows where buffers come from"},
	{"", []string{"reactor"}, []string{"github.com/panjf2000/gnet"},
		"the engine can be exchanged only while nobody else knows it"},
	{"pool", nil, []string{module},
		"pool knows nothing"},
	{"frame", nil, []string{module, "net", "os", "net/http", "log", "log/slog", "time"},
		"frame turns bytes into values: no I/O, no clock, no log, and nothing of ours"},
	{"tlsloop", nil, []string{module + "frame", module + "pool", module + "reactor", module + "internal", module + "loadtest", module + "cmd",
		"net/http", "log", "log/slog", "os"},
		"tlsloop turns bytes into bytes: no socket, no log, and nothing of ours"},
	{"reactor", nil, []string{module + "internal", module + "loadtest", module + "cmd", "encoding/json"},
		"reactor is embedded by others: it knows no channels, users or JSON"},
	{"loadtest", nil, []string{module + "reactor", module + "internal", module + "pool", module + "cmd"},
		"a load tool that shares code with the server under test shares its mistakes"},
	{"loadtest", nil, []string{"=" + module + "tlsloop", module + "tlsloop/internal"},
		"handshakes and sessions are the server's; tlsloop/record either opens a record or does not (decision 7)"},
	{"clients", nil, []string{module},
		"what applications embed or load knows nothing of the server's inside"},
	{"test/conformance", nil, []string{module},
		"what judges shares no code with what it judges"},
	{"test/chaos", nil, []string{module},
		"what judges shares no code with what it judges"},
	{"internal", nil, []string{module + "loadtest", module + "cmd"},
		"the server does not know its load tool, or its command line"},
	{"internal", []string{"internal/edge", "internal/echo", "internal/dialect", "internal/hub", "internal/metrics"}, []string{module + "reactor"},
		"only what is wired to connections knows the reactor"},
	{"", []string{"internal/broker/jetstream", "internal/broker/embedded", "cmd/wsedge"}, []string{"github.com/nats-io"},
		"NATS is one engine among others: who opens logs does not know which"},
	{"", []string{"internal/broker/embedded"}, []string{"github.com/nats-io/nats-server"},
		"only who wants a server in the process has one"},
	{"internal/cluster", nil, []string{module, "net", "os", "net/http"},
		"what nodes say to each other goes over a wire that it is given, and is of no concern to it"},
	{"", []string{"internal/auth"}, []string{"github.com/golang-jwt/jwt"},
		"tokens are verified in one place, which binds algorithms to keys"},
	{"internal/auth", nil, []string{module + "reactor", module + "frame", module + "pool", module + "internal/edge", module + "internal/hub", module + "internal/api",
		module + "internal/broker", module + "internal/dialect", module + "internal/jsonobject", module + "internal/metrics", "log", "log/slog", "os"},
		"auth knows tokens, keys and the grammar of channels; it logs nothing, so that no token is ever logged"},
	{"internal/ticket", nil, []string{module + "reactor", module + "frame", module + "pool", module + "internal/edge", module + "internal/hub", module + "internal/dialect",
		"net", "net/http", "log", "log/slog", "os"},
		"a ticket is values and bytes: no I/O, and no log, so that no ticket and no key is ever logged"},
	{"internal/webhook", nil, []string{module + "frame", module + "internal/edge", module + "internal/hub", module + "internal/broker", module + "internal/dialect"},
		"what a backend is asked is values: it knows no conn and no client's protocol"},
	{"internal/console", nil, []string{module + "internal/edge", module + "internal/hub", module + "internal/broker", module + "internal/dialect", "os", "log"},
		"the console does what it does by the API and the native dialect, as others do: it decides nothing about channels or clients"},
	{"", []string{"internal/client"}, []string{"github.com/coder/websocket"},
		"the server's own frames come from frame; only who asks a server, as a program of its own, needs a client"},
	{"internal/client", nil, []string{module, "os", "flag", "log", "log/slog"},
		"the client learns the protocol from its page alone, so that it finds out where the server breaks it"},
	{"", []string{"internal/certs"}, []string{"golang.org/x/crypto/acme"},
		"certificates come from one place, which knows that handshakes must not wait for them"},
	{"", []string{"internal/config", "cmd/wsload"}, []string{"go.yaml.in/yaml"},
		"the server's configuration is read in one place, which tells all problems with their lines"},
	{"", []string{"internal/tracing"}, []string{"go.opentelemetry.io", "google.golang.org"},
		"spans are made in one place, so that the rest pays nothing for them where they are off"},
	{"internal/tracing", nil, []string{module, "os", "flag"},
		"a span is made of values: what is traced is for others to know"},
	{"internal/config", nil, []string{"os", "flag", "net", "net/http", "log/slog"},
		"the configuration file is a text with a meaning: who reads it, and what it starts, is for the command"},
	{"internal/doctor", nil, []string{module, "os", "flag", "net", "net/http", "log/slog"},
		"a machine is judged by what it is said to be: who looks, and where, is for the command"},
	{"internal/capacity", nil, []string{module, "os", "flag", "net", "net/http", "log/slog"},
		"what a load needs is a sum: it measures nothing and looks at nothing"},
	{"", []string{"cmd/wsload", "loadtest"}, []string{module + "loadtest"},
		"only the load tool's command uses its library"},
	{"cmd", []string{"cmd/wschat"}, []string{module + "frame", module + "pool"},
		"commands read flags and start things; they speak no protocol"},
}

type pkg struct {
	ImportPath string
	Imports    []string
}

// packages lists the module's packages and what they import, tests aside, as the other platforms see them, too.
func packages(t *testing.T, goos string) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "./...")
	cmd.Env = append(os.Environ(), "GOOS="+goos)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var list []pkg
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
}

func below(path, root string) bool {
	root = strings.TrimSuffix(root, "/")
	return root == "" || path == root || strings.HasPrefix(path, root+"/")
}

func TestArrows(t *testing.T) {
	for _, goos := range []string{"linux", "darwin"} {
		for _, p := range packages(t, goos) {
			name := strings.TrimPrefix(p.ImportPath+"/", module)
			name = strings.TrimSuffix(name, "/")
			for _, r := range rules {
				allowed := slices.ContainsFunc(r.but, func(b string) bool { return below(name, b) })
				if !below(name, r.in) || allowed {
					continue
				}
				for _, i := range p.Imports {
					if slices.ContainsFunc(r.import_, func(f string) bool { return forbids(f, i) }) && !below(i, p.ImportPath) {
						t.Errorf("%s imports %s on %s: %s", name, i, goos, r.reason)
					}
				}
			}
		}
	}
}

// TestEmbedders: wschat and the examples are what anybody could write, with the two public packages that embedding takes and nothing else.
func TestEmbedders(t *testing.T) {
	embedders := 0
	for _, p := range packages(t, "linux") {
		name := strings.TrimPrefix(p.ImportPath, module)
		if name != "cmd/wschat" && !below(name, "examples") {
			continue
		}
		embedders++
		for _, i := range p.Imports {
			first, _, _ := strings.Cut(i, "/")
			if strings.Contains(first, ".") && i != module+"reactor" && i != module+"frame" {
				t.Errorf("%s imports %s", name, i)
			}
		}
	}
	if embedders < 2 {
		t.Errorf("%d packages looked at", embedders)
	}
}

// forbids reports whether naming f forbids importing i. A name of the standard library stands for itself alone, and so does one
// behind "=".
func forbids(f, i string) bool {
	if alone, ok := strings.CutPrefix(f, "="); ok {
		return i == alone
	}
	if strings.Contains(f, ".") {
		return below(i, f)
	}
	return i == f
}
