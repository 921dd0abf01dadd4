package main

import (
	"bytes"
	"flag"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/internal/config"
	"github.com/wsedge/wsedge/internal/edge"
)

// file writes a configuration into a directory of its own.
func file(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "wsedge.yaml")
	put(t, name, []byte(text))
	return name
}

// TestWrongFiles has each file refused by check and by serve, with the same lines.
func TestWrongFiles(t *testing.T) {
	for _, row := range []struct{ text, want string }{
		{"lisen: {}", `F:1:1: unknown key "lisen"; did you mean listen?`},
		{"listen:\n  addr: 0.0.0.0:0", `F:2:3: listen.addr: address "0.0.0.0:0": there is no authentication`},
		{"listen:\n  addr: nonsense\n  admin_addr: 0.0.0.0:1", "F:2:3: listen.addr: address \"nonsense\": want host:port*\nF:3:3: listen.admin_addr: admin address \"0.0.0.0:1\": whoever"},
		{"listen:\n  trusted_proxies: [10.0.0.0/8, proxy]", `F:2:3: listen.trusted_proxies: "proxy": want a network`},
		{"tls:\n  acme_domains: a.example", "F:1:1: tls: ACME needs a directory"},
		{"tls:\n  compact: true", "F:2:3: tls.compact: --tls-compact needs TLS"},
		{"auth:\n  keys:\n    - {algorithm: HS256, secret_file: none}", "F:3:26: auth.keys[0].secret_file: open D/none: no such file"},
		{"auth:\n  keys:\n    - {algorithm: HS256, secret: short}\n", "F:3:7: auth.keys[0]: "},
		{"webhook:\n  url: http://example.com/\n  timeout: 1m\n  headers: a b", "F:2:3: webhook.url: webhook URL *\nF:3:3: webhook.timeout: webhook timeout: want\n" +
			"F:4:3: webhook.headers: webhook headers: \nF:2:3: webhook.url: --webhook needs --webhook-secret-file"},
		{"webhook:\n  url: https://example.com/\n  secret_file: none\n  allow_nets: 10.0.0.1/8",
			"F:3:3: webhook.secret_file: --webhook-secret-file: *\nF:4:3: webhook.allow_nets: --webhook-allow-net \"10.0.0.1/8\": want"},
		{"webhook:\n  secret_file: none", "F:2:3: webhook.secret_file: --webhook-secret-file needs --webhook"},
		{"log:\n  format: xml\nlimits:\n  max_conns: some", "F:2:11: log.format: want one of text, json, not \"xml\"\nF:4:14: limits.max_conns: want a whole number, not \"some\""},
	} {
		name := file(t, row.text)
		want := strings.NewReplacer("F:", name+":", "D/", filepath.Dir(name)+"/").Replace(row.want)
		for _, command := range []string{"check", "serve"} {
			status, stdout, stderr := call(nil, command, "--config", name)
			if status != exitFailure || stdout != "" {
				t.Errorf("%s of %q: status %d, stdout %s", command, row.text, status, stdout)
			}
			for line := range strings.SplitSeq(want, "\n") {
				if line, _, _ := strings.Cut(line, "*"); !strings.Contains("\n"+stderr, "\n"+line) {
					t.Errorf("%s of %q:\n%sdoes not have\n%s", command, row.text, stderr, line)
				}
			}
		}
	}
	for _, command := range []string{"check", "serve"} {
		if status, _, stderr := call(nil, command, "--config", "/nowhere/w.yaml"); status != exitFailure || !strings.Contains(stderr, "/nowhere/w.yaml: no such file") {
			t.Errorf("%s: %d %s", command, status, stderr)
		}
	}
}

func TestPrecedence(t *testing.T) {
	name := file(t, "listen:\n  addr: 127.0.0.1:1\n  trusted_proxies: unix\nlimits:\n  max_conns: 5\n  max_message_bytes: 1KiB\n  history_max_bytes: 1MiB\ntls:\n  acme_domains: [a.example, b.example]\n"+
		"  acme_cache: c\nnamespaces:\n  default: {slow: drop-newest, publish: anyone}\n")
	env := map[string]string{"WSEDGE_CONFIG": name, "WSEDGE_MAX_CONNS": "6", "WSEDGE_MAX_MESSAGE": "7", "WSEDGE_ACME_DOMAIN": "c.example"}
	s, status := readServing(&environment{io.Discard, os.Stderr, func(n string) (string, bool) { v, ok := env[n]; return v, ok }}, []string{"--max-message", "8"})
	if s == nil {
		t.Fatal(status)
	}
	if s.cfg.Addr != "127.0.0.1:1" || s.cfg.MaxConns != 6 || s.cfg.MaxMessageBytes != 8 || s.cfg.HistoryMaxBytes != 1<<20 || s.cfg.AdminAddr != defaultAdminAddr || s.cfg.TrustedProxies.String() != "unix" {
		t.Errorf("%+v", s.cfg)
	}
	if s.secure.domains.String() != "c.example" || s.secure.cacheDir != filepath.Join(filepath.Dir(name), "c") {
		t.Errorf("%+v", s.secure)
	}
	o := s.cfg.Namespaces.Default
	if o.Slow.String() != "drop-newest" || o.Publish.String() != "anyone" || o.Subscribe.String() != "nobody" || !s.cfg.Namespaces.Strict {
		t.Errorf("%+v", o)
	}
	s, _ = readServing(&environment{io.Discard, os.Stderr, func(string) (string, bool) { return "", false }}, []string{"--config", name, "--slow", "keep-latest", "--admin-addr", "off"})
	if got := s.cfg.Namespaces.Default.Slow.String(); got != "keep-latest" || s.cfg.AdminAddr != "off" {
		t.Errorf("%s, %s", got, s.cfg.AdminAddr)
	}
}

// TestOptionsAreFlags compares the table with the flags that serve has: what can be said on a command line can be said in the file.
func TestOptionsAreFlags(t *testing.T) {
	_, flags := declareServing(&environment{io.Discard, io.Discard, nil})
	known := map[string]bool{"config": true, "auth-secret-file": true, "api-key-file": true} // the last two: auth.keys and auth.api_keys
	for _, o := range config.Options {
		if o.Flag != "" && flags.Lookup(o.Flag) == nil {
			t.Errorf("%s: there is no flag --%s", o.Path, o.Flag)
		}
		known[o.Flag] = true
	}
	flags.VisitAll(func(f *flag.Flag) {
		if !known[f.Name] {
			t.Errorf("--%s is no option of the file", f.Name)
		}
	})
}

func TestOriginsAndHistoryOfTheFile(t *testing.T) {
	e := &environment{io.Discard, os.Stderr, func(string) (string, bool) { return "", false }}
	name := file(t, "listen: {origins: [https://a.example, https://b.example]}\nlimits: {history_max_bytes: 1MiB}")
	s, status := readServing(e, []string{"--config", name})
	if s == nil {
		t.Fatal(status)
	}
	if !slices.Equal(s.cfg.Origins, []string{"https://a.example", "https://b.example"}) || s.cfg.HistoryMaxBytes != 1<<20 {
		t.Errorf("%v %d", s.cfg.Origins, s.cfg.HistoryMaxBytes)
	}
	for _, args := range [][]string{{"--config", name, "--origins", "*"}, {"--origins", "*"}} {
		if s, _ := readServing(e, args); s == nil || !slices.Equal(s.cfg.Origins, []string{"*"}) {
			t.Errorf("%v: %+v", args, s)
		}
	}
	if status, _, stderr := call(nil, "check", "--config", file(t, "listen:\n  origins: app.example")); status != exitFailure || !strings.Contains(stderr, `:2:3: listen.origins: origin "app.example"`) {
		t.Errorf("%d %s", status, stderr)
	}
}

// TestStandardLimitsAreTheDefaults compares what the table says with what counts.
func TestStandardLimitsAreTheDefaults(t *testing.T) {
	s, status := readServing(&environment{io.Discard, os.Stderr, func(string) (string, bool) { return "", false }}, []string{"--config", file(t, "limits: {accept_rate: 0}")})
	if s == nil {
		t.Fatal(status)
	}
	want := edge.StandardLimits()
	want.AcceptRate = 0
	if s.cfg.Limits != want {
		t.Errorf("%+v", s.cfg.Limits)
	}
	standard := edge.StandardLimits()
	for path, value := range map[string]int{
		"limits.conns_per_address": standard.ConnsPerAddress, "limits.conns_per_user": standard.ConnsPerUser, "limits.accept_rate": standard.AcceptRate,
		"limits.message_rate": standard.MessageRate, "limits.user_message_rate": standard.UserMessageRate, "limits.api_requests": standard.APIRequests,
	} {
		if i := slices.IndexFunc(config.Options, func(o config.Option) bool { return o.Path == path }); config.Options[i].Default != strconv.Itoa(value) {
			t.Errorf("%s: the table says %s, it is %d", path, config.Options[i].Default, value)
		}
	}
}

// TestAuthenticationByFlagsHasLimits: it is no development mode, although there is no file.
func TestAuthenticationByFlagsHasLimits(t *testing.T) {
	key := file(t, "0123456789abcdef0123456789abcdef")
	for _, flag := range []string{"--auth-secret-file", "--api-key-file"} {
		e := &environment{io.Discard, os.Stderr, func(name string) (string, bool) { return "7", name == "WSEDGE_MESSAGE_RATE" }}
		s, status := readServing(e, []string{flag, key, "--accept-rate", "0"})
		if s == nil {
			t.Fatal(status)
		}
		want := edge.StandardLimits()
		want.AcceptRate, want.MessageRate = 0, 7
		if s.cfg.Limits != want || s.cfg.AdminAddr != defaultAdminAddr || s.cfg.Auth == nil {
			t.Errorf("%s: %+v, metrics on %q", flag, s.cfg.Limits, s.cfg.AdminAddr)
		}
	}
	e := &environment{io.Discard, os.Stderr, func(string) (string, bool) { return "", false }}
	if s, _ := readServing(e, nil); s.cfg.Limits != (edge.Limits{}) || s.cfg.AdminAddr != "" {
		t.Errorf("development mode: %+v, metrics on %q", s.cfg.Limits, s.cfg.AdminAddr)
	}
}

func TestCheckSaysWhatIsNotable(t *testing.T) {
	dir := t.TempDir()
	name, secret := filepath.Join(dir, "w.yaml"), filepath.Join(dir, "jwt")
	put(t, secret, bytes.Repeat([]byte("s"), 32))
	put(t, name, []byte("auth:\n  keys: [{algorithm: HS256, secret_file: jwt}]\n  api_keys: [{name: b, secret: 0123456789abcdefg, scopes: all}]\n"))
	if status, stdout, stderr := call(nil, "check", "--config", name); status != exitOK ||
		stdout != name+": in order\n"+name+": namespaces: note: nobody may subscribe anywhere: set subscribe in a namespace\n" {
		t.Errorf("%d %s %s", status, stdout, stderr)
	}
	for _, f := range []string{secret, name} {
		if err := os.Chmod(f, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	_, stdout, _ := call(nil, "check", "--config", name)
	for _, f := range []string{secret, name} {
		if !strings.Contains(stdout, f+" holds a secret, and everybody on this machine may read or write it (mode 0644)") {
			t.Error(stdout)
		}
	}
	_, stdout, _ = call(nil, "check", "--config", file(t, "namespaces: {default: {subscribe: anyone}}"))
	if !strings.Contains(stdout, "auth: note: no authentication") || strings.Contains(stdout, "nobody may") {
		t.Error(stdout)
	}
}

func TestInitNeverOverwrites(t *testing.T) {
	t.Chdir(t.TempDir())
	status, stdout, stderr := call(nil, "init")
	if status != exitOK || !strings.Contains(stdout, "wsedge check --config wsedge.yaml") {
		t.Fatalf("%d %s %s", status, stdout, stderr)
	}
	before, err := os.ReadFile("wsedge.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if about, err := os.Stat("wsedge.yaml"); err != nil || about.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", about.Mode(), err)
	}
	if status, _, stderr := call(nil, "init"); status != exitFailure || !strings.Contains(stderr, "wsedge.yaml exists already") {
		t.Errorf("%d %s", status, stderr)
	}
	if after, _ := os.ReadFile("wsedge.yaml"); !bytes.Equal(before, after) {
		t.Error("overwritten")
	}
	call(nil, "init", "--config", "other.yaml")
	if other, _ := os.ReadFile("other.yaml"); bytes.Equal(before, other) || len(other) != len(before) {
		t.Error("the secrets are not fresh")
	}
	if status, _, stderr := call(nil, "init", "--config", "no/such/dir.yaml"); status != exitFailure || !strings.Contains(stderr, "no/such/dir.yaml") {
		t.Errorf("%d %s", status, stderr)
	}
}

// publish publishes to a channel with an API key, and returns the status.
func (p *program) publish(key, channel string) int {
	p.t.Helper()
	request, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, p.url+"api/publish", strings.NewReader(`{"channel":"`+channel+`","data":1}`))
	if err != nil {
		p.t.Fatal(err)
	}
	request.Header.Set("X-API-Key", key)
	answer, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}).Do(request)
	if err != nil {
		p.t.Fatal(err)
	}
	answer.Body.Close()
	return answer.StatusCode
}

// welcome opens a WebSocket and returns what the server says first.
func (p *program) welcome(target string) string {
	p.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimSuffix(strings.TrimPrefix(p.url, "http://"), "/"))
	if err != nil {
		p.t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := conn.Write(frame.AppendClientHandshake(nil, "localhost", target, frame.NewClientKey([16]byte{1}), "")); err != nil {
		p.t.Fatal(err)
	}
	var got []byte
	for b := make([]byte, 1); !bytes.HasSuffix(got, []byte("}")); got = append(got, b...) {
		if _, err := io.ReadFull(conn, b); err != nil {
			p.t.Fatalf("after %q: %v", got, err)
		}
	}
	return string(got)
}

func TestInitCheckServePublish(t *testing.T) {
	name := filepath.Join(t.TempDir(), "wsedge.yaml")
	if status, _, stderr := call(nil, "init", "--config", name); status != exitOK {
		t.Fatal(stderr)
	}
	status, stdout, stderr := call(nil, "check", "--config", name)
	if status != exitOK || stdout != name+": in order\n" {
		t.Fatalf("%d %s %s", status, stdout, stderr)
	}
	p := launch(t, "serve", "--config", name, "--admin-addr", "127.0.0.1:0")
	document, err := readDocument(name)
	if err != nil {
		t.Fatal(err)
	}
	if status := p.publish(document.Auth.APIKeys[0].Secret, "news"); status != http.StatusOK {
		t.Errorf("publish: status %d", status)
	}
	if status := p.publish("not the key", "news"); status != http.StatusUnauthorized {
		t.Errorf("publish without a key: status %d", status)
	}
	status, token, stderr := call(nil, "token", "--config", name, "--user", "ann")
	if status != exitOK {
		t.Fatal(stderr)
	}
	if status, stdout, stderr := call(nil, "token", "explain", "--config", name, strings.TrimSpace(token)); status != exitOK || !strings.Contains(stdout, "valid, to connect") {
		t.Errorf("explain: %d %s %s", status, stdout, stderr)
	}
	if welcome := p.welcome("/ws?token=" + strings.TrimSpace(token)); !strings.Contains(welcome, `"user":"ann"`) {
		t.Errorf("welcome %s", welcome)
	}
	if log := p.logged(); strings.Contains(log, strings.TrimSpace(token)) || strings.Contains(log, "development mode") || !strings.Contains(log, "admin=127.0.0.1:") {
		t.Error(log)
	}
}

func TestTokensByAConfiguration(t *testing.T) {
	const secrets = "auth:\n  issuer: me\n  audience: us\n  keys:\n    - {id: old, algorithm: HS256, secret: ssssssssssssssssssssssssssssssss, valid_until: 2020-01-01}\n" +
		"    - {id: new, algorithm: HS512, secret: tttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttt}\n"
	name := file(t, secrets)
	status, token, stderr := call(nil, "token", "--config", name, "--user", "ann")
	if status != exitOK {
		t.Fatal(stderr)
	}
	_, stdout, _ := call(nil, "token", "explain", "--config", name, strings.TrimSpace(token))
	for _, want := range []string{`"HS512"`, `"new"`, `"iss": "me"`, `"aud": "us"`, "valid, to connect"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%s is not in %s", want, stdout)
		}
	}
	for _, row := range []struct{ text, id, want string }{
		{"log: {}", "", "there is no section auth"},
		{"auth: {anonymous: true}", "", "no secret to make tokens with"},
		{secrets, "other", `no secret with the id "other"`},
		{"auth: {keys: [{algorithm: HS256, secret: short}]}", "", ":1:15: auth.keys[0]: "},
	} {
		if status, stdout, stderr := call(nil, "token", "--config", file(t, row.text), "--key-id", row.id); status != exitUsage || stdout != "" || !strings.Contains(stderr, row.want) {
			t.Errorf("%s: %d %s", row.text, status, stderr)
		}
	}
}

func TestConfigurationIsReloadedOnSIGHUP(t *testing.T) {
	const bad, good = "SIGHUP: configuration not reloaded, the old one stays", "SIGHUP: configuration reloaded"
	name := file(t, "listen: {admin_addr: 127.0.0.1:0}\nlimits: {max_channels: 1}\n")
	p := launch(t, "serve", "--config", name)
	p.hangUp(good, 1)

	put(t, name, []byte("listen: {admin_addr: 127.0.0.1:0}\nlimits: {max_channels: many}\nnamespaces: {default: {subscribe: anyone}}\nlog: {fromat: json}\n"))
	p.hangUp(bad, 2) // a line for each problem
	for _, want := range []string{":2:24: limits.max_channels: want a whole number", `:4:7: log: unknown key \"fromat\"; did you mean format?`} {
		if !strings.Contains(p.logged(), want) {
			t.Errorf("%s is not in the log", want)
		}
	}

	put(t, name, []byte("listen: {admin_addr: 127.0.0.1:0}\nlimits: {max_channels: 2, channels_per_conn: 7}\nnamespaces: {default: {subscribe: anyone}}\n"))
	p.hangUp(good, 2)
	if log := p.logged(); strings.Count(log, `SIGHUP: not changed, that needs a restart" key=limits.max_channels`) != 1 || strings.Count(log, "needs a restart") != 1 {
		t.Error(log)
	}

	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	p.hangUp(bad, 3)
}

// TestTokenThatTheServerWillRefuse: it is made as it was asked for, with a word.
func TestTokenThatTheServerWillRefuse(t *testing.T) {
	name := file(t, "auth:\n  keys: [{algorithm: HS256, secret: "+strings.Repeat("s", 32)+"}]\n  max_ttl: 1h\n")
	for ttl, want := range map[string]string{"1h": "", "2h": "lifetime"} {
		status, made, stderr := call(nil, "token", "--config", name, "--ttl", ttl)
		if status != exitOK || strings.Count(made, ".") != 2 || !strings.Contains(stderr, want) || want == "" && stderr != "" || strings.Contains(stderr, "ssss") {
			t.Errorf("%s: %d %q %q", ttl, status, made, stderr)
		}
	}
}
