package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/wsedge/wsedge/internal/auth"
	"github.com/wsedge/wsedge/internal/tlstest"
)

// ask runs a command that asks the server p: in a process of its own if there is anything on the standard input.
func (p *program) ask(stdin string, args ...string) (status int, stdout, stderr string) {
	p.t.Helper()
	if stdin == "" {
		return call(map[string]string{"WSEDGE_SERVER": p.url}, args...)
	}
	var out, errs bytes.Buffer
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), asProgram+"=1", "WSEDGE_SERVER="+p.url)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &errs
	_ = cmd.Run() // the status tells
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// expect is ask, and wants the status, and what the command says to be want, or to begin with it up to an ellipsis.
func (p *program) expect(stdin string, status int, want string, args ...string) {
	p.t.Helper()
	got, stdout, stderr := p.ask(stdin, args...)
	if got != status || stdout+stderr != want && !(strings.HasSuffix(want, "…") && strings.HasPrefix(stdout+stderr, strings.TrimSuffix(want, "…"))) {
		p.t.Errorf("wsedge %q: status %d\n%s%swant\n%s", args, got, stdout, stderr, want)
	}
}

func TestCommandsAskAServer(t *testing.T) {
	p := launch(t, "serve", "--history-size", "10", "--recover")
	p.expect("", exitOK, "news  offset 1  matched 0\n", "publish", "news", `{"a": "<b>"}`)
	p.expect("hello\n", exitOK, "news  offset 2  matched 0\n", "publish", "news", "-")
	p.expect("", exitOK, `{"channel":"news","offset":3,"epoch":"…`, "publish", "--json", "news", "--text", "5")
	p.expect("", exitOK, "news  offset 4  matched 0\n", "publish", "news", "--", "-5")
	p.expect("", exitOK, "user#ann  offset 1  matched 0\n", "publish", "--user", "ann", "1")
	for range 2 {
		p.expect("", exitOK, "keyed  offset 1  matched 0\n", "publish", "keyed", "1", "--idempotency-key", "k")
	}
	p.expect("1\nx\n\n", exitOK, "published 2\n", "publish", "log", "--lines", "--idempotency-key", "k")
	p.expect("1\nx\ny\n", exitOK, "published 3\n", "publish", "log", "--lines", "--idempotency-key", "k")
	p.expect("", exitOK, "log  1  1\nlog  2  \"x\"\nlog  3  \"y\"\n", "history", "log")
	p.expect("1\n\xff\n2", exitFailure, "published 2, refused 1\nwsedge: line 2: the data is not UTF-8, and the API takes JSON only: encode it, by base64 for example\n", "publish", "odd", "--lines")
	p.expect("", exitFailure, "news  offset 5  matched 0\nwsedge: bad name: bad_channel: a channel is …", "broadcast", "x", "--channels", "news,bad name")
	p.expect("", exitFailure, `{"results":[{"channel":"other",…`, "broadcast", "x", "--json", "--channels", "other,bad name")

	p.expect("", exitOK, "news  1  {\"a\":\"<b>\"}\nnews  2  \"hello\"\nnews  3  \"5\"\nnews  4  -5\nnews  5  \"x\"\n", "history", "news", "--all")
	p.expect("", exitOK, "news  4  -5\nnews  5  \"x\"\n", "history", "news", "--limit", "2")
	p.expect("", exitOK, "news  2  \"hello\"\n", "history", "news", "--since", "1", "--limit", "1")
	p.expect("", exitOK, "news  5  \"x\"\n", "tail", "news", "--since", "4", "--count", "1")
	p.expect("", exitOK, `{"channel":"news","data":{"a":"<b>"},"offset":1}`+"\n", "tail", "news", "--since", "all", "--count", "1", "--json")

	p.expect("", exitOK, "keyed  0\n", "channels", "k")
	p.expect("", exitOK, `{"channels":[{"channel":"keyed","subscribers":0}]}`+"\n", "channels", "k", "--json")
	p.eventually("nobody is there, since both tails have gone", func() bool { // the server may still be about to note it
		_, stdout, _ := p.ask("", "presence", "news")
		return stdout == "count 0\n"
	})
	p.expect("", exitOK, `node         "…`, "info")
	p.expect("", exitOK, "disconnected 0\n", "disconnect", "--user", "ann")
	p.expect("", exitOK, "clients 0\n", "subscribe", "--user", "ann", "news", "log")
	p.expect("", exitOK, "clients 0\n", "unsubscribe", "--client", "x", "news")
	p.expect("", exitFailure, "wsedge: bad_request: there are no tokens without authentication (HTTP 400)\n", "revoke", "--token-id", "x")
	p.expect("", exitFailure, "wsedge: bad_channel: …", "publish", "bad name", "1")
	p.expect("", exitFailure, "wsedge: bad name: bad_channel: …", "tail", "bad name")
}

// TestListsOfManyPages has more channels than one page, and members with them.
func TestListsOfManyPages(t *testing.T) {
	p := launch(t, "serve")
	var names []string
	for i := range 1200 {
		names = append(names, "c:"+strconv.Itoa(10000+i))
	}
	for _, some := range [][]string{names[:600], names[600:]} {
		if status, _, stderr := p.ask("", "broadcast", "1", "--channels", strings.Join(some, ",")); status != exitOK {
			t.Fatal(stderr)
		}
	}
	for limit, want := range map[string]int{"0": 1200, "700": 700} {
		_, stdout, stderr := p.ask("", "channels", "c:", "--limit", limit)
		if n := strings.Count(stdout, "\n"); n != want || !strings.HasPrefix(stdout, "c:10000  0\n") {
			t.Errorf("limit %s: %d lines %s", limit, n, stderr)
		}
	}
	if _, stdout, _ := p.ask("", "channels", "--json"); strings.Count(stdout, "\n") != 3 {
		t.Errorf("%d pages", strings.Count(stdout, "\n"))
	}
}

func TestWrongCallsOfTheAPI(t *testing.T) {
	empty := keep(t, "empty", "\n")
	for _, row := range []struct {
		args   string
		status int
		want   string
	}{
		{"publish", exitUsage, "want CHANNEL, or --user"},
		{"publish a b c", exitUsage, `"c" is too much`},
		{"publish --user ann a b", exitUsage, "with --user there is no CHANNEL"},
		{"publish a b --lines", exitUsage, "from the standard input"},
		{"publish a b --nope", exitUsage, "-nope"},
		{"publish a b --server nonsense", exitUsage, `server "nonsense": want http://HOST:PORT`},
		{"publish a b --timeout 0s --ca /nowhere/a --client-cert b --server x", exitUsage, "--timeout: want more than 0"},
		{"publish a b --timeout 0s --ca /nowhere/a --client-cert b --server x", exitUsage, "--ca: open /nowhere/a"},
		{"publish a b --timeout 0s --ca /nowhere/a --client-cert b --server x", exitUsage, "--client-key need each other"},
		{"publish a b --timeout 0s --ca /nowhere/a --client-cert b --server x", exitUsage, `server "x"`},
		{"publish a b --ca " + empty, exitUsage, "no certificate in PEM"},
		{"publish a b --api-key-file " + empty, exitUsage, "is empty"},
		{"publish a b --config /nowhere/w.yaml", exitUsage, "/nowhere/w.yaml: no such file"},
		{"publish a b --server http://127.0.0.1:1", exitFailure, "no connection to http://127.0.0.1:1: connect: connection refused"},
		{"broadcast x", exitUsage, "--channels: want at least one"},
		{"presence", exitUsage, "arguments are missing; see wsedge presence --help"},
		{"presence a --limit -1", exitUsage, "--limit: must not be negative"},
		{"history a --limit 0", exitUsage, "--limit: want at least 1"},
		{"history a --limit 1001", exitUsage, "--limit: want at most 1000 of the newest; --since and --all read on"},
		{"history a --all --since 1 --limit 5", exitUsage, "--all and --since exclude each other"},
		{"history a --all --since 1 --limit 5", exitUsage, "--all and --limit exclude each other"},
		{"history a --epoch e", exitUsage, "--epoch needs --since"},
		{"history a --since x", exitUsage, "invalid"},
		{"tail", exitUsage, "arguments are missing"},
		{"tail a --since x", exitUsage, "want an offset, or all"},
		{"tail a --count -1", exitUsage, "--count"},
		{"tail a --token-file /nowhere/t", exitUsage, "--token-file: open /nowhere/t"},
		{"tail a --user ann", exitUsage, "--user needs --config"},
		{"tail a:* --since all --server http://127.0.0.1:1", exitFailure, "a wildcard has no history"},
		{"tail a --server http://127.0.0.1:1", exitFailure, "no connection to http://127.0.0.1:1"},
		{"disconnect", exitUsage, "want exactly one of --client, --user, --token-id"},
		{"disconnect --client a --user b", exitUsage, "exactly one"},
		{"revoke", exitUsage, "want exactly one of --user, --token-id"},
		{"subscribe a", exitUsage, "want exactly one of --client, --user"},
		{"completion", exitUsage, "arguments are missing"},
		{"completion tcsh", exitUsage, "want bash, zsh or fish"},
		{"help dance", exitUsage, `no command "dance"`},
	} {
		status, stdout, stderr := call(nil, strings.Fields(row.args)...)
		if status != row.status || stdout != "" || !strings.Contains(stderr, row.want) {
			t.Errorf("wsedge %s: status %d, %s%s, want %s", row.args, status, stdout, stderr, row.want)
		}
	}
}

const locked = "listen: {addr: 127.0.0.1:0, admin_addr: 127.0.0.1:0}\nauth:\n  issuer: me\n  keys: [{id: k, algorithm: HS256, secret: ssssssssssssssssssssssssssssssss}]\n" +
	"  api_keys:\n    - {name: reader, secret: rrrrrrrrrrrrrrrrrrrr, scopes: [read]}\n    - {name: all, secret: aaaaaaaaaaaaaaaaaaaa, scopes: [all]}\n" +
	"namespaces: {default: {subscribe: token, history: token, history_size: 5, max_message_bytes: 20}, named: {chat: {subscribe: token}}}\n"

// TestKeysAndTokens has the key come from each place where it may stand, and the token that tail needs be made.
func TestKeysAndTokens(t *testing.T) {
	name := file(t, locked)
	p := launch(t, "serve", "--config", name)
	reader := keep(t, "reader", "rrrrrrrrrrrrrrrrrrrr\n")
	p.expect("", exitFailure, "wsedge: unauthorized: an API key is needed: X-API-Key, or Authorization: apikey (HTTP 401); give it by --api-key-file, WSEDGE_API_KEY or --config\n", "info")
	p.expect("", exitOK, "news  offset 1  matched 0\n", "publish", "news", "1", "--config", name)
	p.expect("", exitFailure, "wsedge: permission_denied: the API key does not open this (HTTP 403)\n", "publish", "news", "1", "--config", name, "--api-key-file", reader)
	p.expect("", exitFailure, "wsedge: too_large: the data is larger than the channel takes (HTTP 413)\n", "publish", "news", strings.Repeat("x", 30), "--config", name)
	p.expect("", exitOK, "count 0\n", "presence", "news", "--api-key-file", reader)
	status, stdout, stderr := call(map[string]string{apiKeyVariable: "rrrrrrrrrrrrrrrrrrrr"}, "presence", "news", "--server", p.url)
	if status != exitOK || stdout != "count 0\n" {
		t.Errorf("%d %s %s", status, stdout, stderr)
	}
	p.expect("", exitOK, "news  1  1\n", "tail", "news", "--since", "all", "--count", "1", "--config", name, "--user", "ann")
	_, token, _ := call(nil, "token", "--config", name, "--user", "ann", "--grant", "news=subscribe,history")
	p.expect("", exitOK, "news  1  1\n", "tail", "news", "--since", "all", "--count", "1", "--token-file", keep(t, "token", token))
	p.expect("", exitFailure, "wsedge: news: permission_denied: …", "tail", "news", "--token-file", keep(t, "token", strings.TrimSpace(plainToken(t, name))))
	p.expect("", exitFailure, "wsedge: closed by the server: 3500 invalid_token\n", "tail", "news", "--token-file", keep(t, "token", "a.b.c"))
}

// plainToken makes a token without grants.
func plainToken(t *testing.T, config string) string {
	t.Helper()
	_, token, stderr := call(nil, "token", "--config", config)
	if token == "" {
		t.Fatal(stderr)
	}
	return token
}

// TestAddressOfTheConfiguration: what the file says is how the server is reached, by TLS under its certificate's name.
func TestAddressOfTheConfiguration(t *testing.T) {
	dir := t.TempDir()
	authority := tlstest.NewAuthority()
	certificate, key := tlstest.PEM(authority.Issue("push.example"))
	put(t, filepath.Join(dir, "cert.pem"), certificate)
	put(t, filepath.Join(dir, "key.pem"), key)
	put(t, filepath.Join(dir, "ca.pem"), authority.PEM())
	for _, row := range []struct{ listen, want string }{
		{"addr: 127.0.0.1:9", "http://127.0.0.1:9"}, {"{addr: ':9', insecure_public: true}", "http://127.0.0.1:9"}, {"{addr: '[::]:9', insecure_public: true}", "http://127.0.0.1:9"},
		{"addr: localhost:9", "http://localhost:9"}, {"addr: '[::1]:9'", "http://[::1]:9"}, {"addr: unix:/run/w.sock", "unix:/run/w.sock"},
		{"addr: 127.0.0.1:9}\ntls: {cert_files: cert.pem, key_files: key.pem", "https://127.0.0.1:9"},
		{"addr: 127.0.0.1:0", "which names no port"}, {"addr: unix:/run/w.sock}\ntls: {cert_files: cert.pem, key_files: key.pem", "can't be named"},
	} {
		name := filepath.Join(dir, "wsedge.yaml")
		put(t, name, []byte("listen: {"+strings.Trim(row.listen, "{}")+"}\n"))
		s, err := readLocalServer(&environment{nil, os.Stderr, func(string) (string, bool) { return "", false }}, name)
		if err != nil {
			t.Errorf("%s: %v", row.listen, err)
			continue
		}
		if got := s.address; got != row.want && (s.problem == nil || !strings.Contains(s.problem.Error(), row.want)) {
			t.Errorf("%s: %s %v", row.listen, got, s.problem)
		}
		if (s.tls != nil) != strings.Contains(row.listen, "tls") || s.tls != nil && s.tls.ServerName != "push.example" {
			t.Errorf("%s: %+v", row.listen, s.tls)
		}
	}
	p := launch(t, "serve", "--tls-cert", filepath.Join(dir, "cert.pem"), "--tls-key", filepath.Join(dir, "key.pem"))
	p.expect("", exitFailure, "wsedge: no connection to "+p.url+": tls: failed to verify certificate: …", "info")
	p.expect("", exitOK, "n  offset 1  matched 0\n", "publish", "n", "1", "--ca", filepath.Join(dir, "ca.pem"))
	port := strings.TrimSuffix(p.url[strings.LastIndex(p.url, ":")+1:], "/")
	put(t, filepath.Join(dir, "wsedge.yaml"), []byte("listen: {addr: 127.0.0.1:"+port+"}\ntls: {cert_files: cert.pem, key_files: key.pem}\n"))
	if status, stdout, stderr := call(nil, "publish", "n", "1", "--config", filepath.Join(dir, "wsedge.yaml")); status != exitOK || stdout != "n  offset 2  matched 0\n" {
		t.Errorf("%d %s %s", status, stdout, stderr)
	}
}

// TestKeyOfTheConfiguration: of several keys that one is taken which opens the command, and no channels but its own where there is another.
func TestKeyOfTheConfiguration(t *testing.T) {
	section := &auth.Config{APIKeys: []auth.APIKey{
		{Name: "hashed", Scopes: []auth.Scope{auth.ScopeAll}},
		{Name: "reader", Secret: "r", Scopes: []auth.Scope{auth.ScopeRead}},
		{Name: "narrow", Secret: "n", Scopes: []auth.Scope{auth.ScopePublish}, Channels: []string{"a"}},
		{Name: "publisher", Secret: "p", Scopes: []auth.Scope{auth.ScopePublish}},
	}}
	for scope, want := range map[auth.Scope]string{auth.ScopeRead: "r", auth.ScopePublish: "p", auth.ScopeManage: "r"} {
		if got := usableKey(section, scope); got != want {
			t.Errorf("%s: %q, want %q", scope, got, want)
		}
	}
	section.APIKeys = section.APIKeys[:3]
	if got := usableKey(section, auth.ScopePublish); got != "n" {
		t.Errorf("%q, want that with some channels", got)
	}
	if got := usableKey(nil, auth.ScopeRead); got != "" {
		t.Errorf("%q without authentication", got)
	}
}
