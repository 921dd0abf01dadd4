package config

import (
	"fmt"
	"io/fs"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/wsedge/wsedge/internal/channel"
)

// full sets an option of each kind, and some of each section.
const full = `
listen:
  addr: "[::1]:9000"
  socket_mode: 0600
  proxy_protocol: [10.0.0.0/8, unix]
  trusted_proxies: 10.1.2.3
tls:
  cert_files: [a.pem, /abs/b.pem]
  key_files: [a.key, /abs/b.key]
  min_version: 1.3
limits:
  max_conns: 5000
  max_message_bytes: 128 KiB
  node_max_bytes: 1048576
  outbound_max_age: 1m30s
heartbeat:
  ping_interval: -1s
deflate:
auth:
  keys:
    - secret_file: jwt.key
      algorithm: HS256
    - {id: old, algorithm: EdDSA, public_key: PEM, valid_until: "2027-01-01"}
  jwks: {url: https://id.example/keys}
  api_keys:
    - {name: backend, secret: 0123456789abcdef, scopes: publish}
  leeway: -1s
namespaces:
  strict: false
  default:
    subscribe: anyone
  named:
    chat:
      subscribe: authenticated
      publish: token
      history_size: 100
      history_age: 10m
      recover: true
      slow: skip-to-history
      max_message_bytes: 1kB
    empty:
log: {format: json}
tracing: {url: "http://127.0.0.1:4318", ratio: 0.5, headers_file: otlp}
`

func TestParse(t *testing.T) {
	d, err := Parse("f.yaml", []byte(full), "/etc/wsedge")
	if err != nil {
		t.Fatal(err)
	}
	want := &Document{
		Listen: Listen{Addr: "[::1]:9000", SocketMode: 0o600, ProxyProtocol: []string{"10.0.0.0/8", "unix"}, TrustedProxies: []string{"10.1.2.3"}},
		TLS: TLS{
			CertFiles: []string{"/etc/wsedge/a.pem", "/abs/b.pem"}, KeyFiles: []string{"/etc/wsedge/a.key", "/abs/b.key"}, MinVersion: "1.3",
		},
		Limits:    Limits{MaxConns: 5000, MaxMessageBytes: 128 << 10, NodeMaxBytes: 1 << 20, OutboundMaxAge: 90 * time.Second},
		Heartbeat: Heartbeat{PingInterval: -time.Second},
		Auth: Auth{
			Keys: []AuthKey{
				{SecretFile: "/etc/wsedge/jwt.key", Algorithm: "HS256"},
				{ID: "old", Algorithm: "EdDSA", PublicKey: "PEM", ValidUntil: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)},
			},
			JWKS:    JWKS{URL: "https://id.example/keys"},
			APIKeys: []APIKey{{Name: "backend", Secret: "0123456789abcdef", Scopes: []string{"publish"}}},
			Leeway:  -time.Second,
		},
		Namespaces: Namespaces{
			Default: channel.Options{Subscribe: channel.Anyone},
			Named: map[string]*channel.Options{
				"chat": {
					Subscribe: channel.Authenticated, Publish: channel.ByToken, HistorySize: 100, HistoryAge: 10 * time.Minute, Recover: true,
					Slow: channel.SkipToHistory, MaxMessageBytes: 1000,
				},
				"empty": {},
			},
		},
		Log:     Log{Format: "json"},
		Tracing: Tracing{URL: "http://127.0.0.1:4318", Ratio: 0.5, HeadersFile: "/etc/wsedge/otlp"},
	}
	got := d.clone()
	got.marks = nil
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	settings := fmt.Sprint(d.Settings())
	for _, s := range []string{
		"{listen.addr addr [::1]:9000}", "{listen.socket_mode socket-mode 0600}", "{listen.proxy_protocol proxy-protocol 10.0.0.0/8,unix}",
		"{limits.max_message_bytes max-message 131072}", "{limits.outbound_max_age outbound-max-age 1m30s}", "{heartbeat.ping_interval ping-interval -1s}",
		"{tls.cert_files tls-cert /etc/wsedge/a.pem,/abs/b.pem}", "{tracing.ratio tracing-ratio 0.5}",
	} {
		if !strings.Contains(settings, s) {
			t.Errorf("%s is not in %s", s, settings)
		}
	}
	if strings.Contains(settings, "insecure-public") || strings.Contains(settings, "deflate") {
		t.Errorf("what is not set is a setting: %s", settings)
	}
}

func TestNothingIsADocument(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "---\n", "null", "{}"} {
		d, err := Parse("f", []byte(text), "")
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if n := d.Channels(); n.Default != (channel.Options{}) || !n.Strict {
			t.Errorf("%q: channels are not closed: %+v", text, n)
		}
	}
}

func TestProblems(t *testing.T) {
	for _, row := range []struct{ text, want string }{
		{"- a", "f:1:1: want keys and values, not a list"},
		{"7", "f:1:1: want keys and values, not 7"},
		{"listen: on", "f:1:9: listen: want keys and values, not \"on\""},
		{"lisen:\n  addr: a", `f:1:1: unknown key "lisen"; did you mean listen?`},
		{"listen:\n  adr: a", `f:2:3: listen: unknown key "adr"; did you mean addr?`},
		{"max_conns: 7", `f:1:1: unknown key "max_conns"; did you mean limits.max_conns?`},
		{"frobnicate: 7", `f:1:1: unknown key "frobnicate"`},
		{"marks: 7", `f:1:1: unknown key "marks"`},
		{"? [a]\n: b", "f:1:3: want a key, not a list"},
		{"log:\n  format: text\n  format: json", "f:3:3: log.format: stands here a second time"},
		{"log: {}\nlog: {}", "f:2:1: log: stands here a second time"},
		{"log:\n  format:", "f:2:10: log.format: want one of text, json, not nothing; leave the key out for the default"},
		{"log:\n  format: xml", "f:2:11: log.format: want one of text, json, not \"xml\""},
		{"listen:\n  addr: 8080", "f:2:9: listen.addr: want text, not 8080"},
		{"listen:\n  addr: [a]", "f:2:9: listen.addr: want text, not a list"},
		{"listen:\n  insecure_public: yes", "f:2:20: listen.insecure_public: want true or false, not \"yes\""},
		{"listen:\n  insecure_public: \"true\"", "f:2:20: listen.insecure_public: want true or false, not \"true\""},
		{"listen:\n  socket_mode: 999", "f:2:16: listen.socket_mode: want permissions in octal, such as 0660, not 999"},
		{"listen:\n  proxy_protocol: [a, '', [b]]", "f:2:23: listen.proxy_protocol[1]: want a text that is not empty, without commas\n" +
			"f:2:27: listen.proxy_protocol[2]: want text, not a list"},
		{"listen:\n  proxy_protocol: {a: b}", "f:2:19: listen.proxy_protocol: want a list, not keys and values"},
		{"limits:\n  max_conns: 1.5", "f:2:14: limits.max_conns: want a whole number, not 1.5"},
		{"limits:\n  max_conns: -1", "f:2:14: limits.max_conns: must not be negative"},
		{"limits:\n  max_conns: 99999999999999999999", "f:2:14: limits.max_conns: want a whole number, not 99999999999999999999"},
		{"limits:\n  max_frame_rate: 30001", "f:2:19: limits.max_frame_rate: must not be more than 30000"},
		{"limits:\n  max_frame_rate: 9", "f:2:3: limits.max_frame_rate: want at least 10, or 0 for no bound"},
		{"limits:\n  node_max_bytes: 1Kib", "f:2:19: limits.node_max_bytes: want a number of bytes such as 65536 or 64KiB, not \"1Kib\""},
		{"limits:\n  node_max_bytes: 99999999999GiB", "f:2:19: limits.node_max_bytes: want a number of bytes such as 65536 or 64KiB, not \"99999999999GiB\""},
		{"limits:\n  channel_idle: 5", "f:2:17: limits.channel_idle: want a duration such as 10s or 5m, not 5"},
		{"limits:\n  channel_idle: -5s", "f:2:17: limits.channel_idle: must not be negative"},
		{"tls:\n  cert_files: [a, b]\n  key_files: c", "f:1:1: tls: cert_files names 2 files and key_files 1: each certificate needs its key"},
		{"tls:\n  min_version: 1.1", "f:2:16: tls.min_version: want one of 1.2, 1.3, not 1.1"},
		{"deflate:\n  takeover: true", "f:2:3: deflate.takeover: needs deflate.enabled"},
		{"namespaces:\n  default:\n    subscribe: everyone", "f:3:16: namespaces.default.subscribe: want one of nobody, token, authenticated, anyone, not \"everyone\""},
		{"namespaces:\n  named:\n    chat:\n      recover: true\n      join_leave: true", "f:3:5: namespaces.named.chat: recovery needs a history size\n" +
			"f:3:5: namespaces.named.chat: join and leave notices need members"},
		{"namespaces:\n  named:\n    a:b: {}\n    c:\n      subscibe: anyone", "f:3:5: namespaces.named: \"a:b\" is no name for a namespace: want letters, digits and _-.#@\n" +
			"f:5:7: namespaces.named.c: unknown key \"subscibe\"; did you mean subscribe?"},
		{"namespaces:\n  named:\n    a: {}\n    a: {}", "f:4:5: namespaces.named.a: stands here a second time"},
		{"auth:\n  keys: [{secret: 7, id: a}, {algorithm: none}, 7]", "f:2:19: auth.keys[0].secret: want text\n" +
			"f:2:42: auth.keys[1].algorithm: want one of HS256, HS384, HS512, RS256, RS384, RS512, ES256, ES384, EdDSA, not \"none\"\n" +
			"f:2:49: auth.keys[2]: want keys and values, not 7"},
		{"auth: {api_keys: [{scopes: [publish, everything]}]}", "f:1:38: auth.api_keys[0].scopes[1]: want one of publish, manage, read, all, not \"everything\""},
		{"auth: {keys: [{valid_until: soon}]}", "f:1:29: auth.keys[0].valid_until: want a date such as 2026-01-31 or 2026-01-31T18:00:00Z, not \"soon\""},
		{"auth: {keys: {}}", "f:1:14: auth.keys: want a list, not keys and values"},
		{"log: &l {format: text}\nlisten: *l", "f:2:9: listen: want keys and values, not an alias"},
		{"log:\n  <<: {format: text}", "f:2:3: log: unknown key \"<<\""},
		{"log: {}\n---\nlog: {}", "f:2:1: a second document: want one"},
		{"listen:\n  addr: !secret x", "f:2:9: listen.addr: want text, not x"},
		{"limits: {max_conns: x}\nlog: {format: y}\nlisten: {bddr: a}", "f:1:21: limits.max_conns: want a whole number, not \"x\"\n" +
			"f:2:15: log.format: want one of text, json, not \"y\"\nf:3:10: listen: unknown key \"bddr\"; did you mean addr?"},
	} {
		if _, err := Parse("f", []byte(row.text), ""); err == nil || err.Error() != row.want {
			t.Errorf("%q:\ngot  %v\nwant %s", row.text, err, row.want)
		}
	}
}

func TestBadSyntaxHasALine(t *testing.T) {
	for _, text := range []string{"listen: [", "listen:\n\taddr: a", "a: b: c", "\"", "log: {}\n---\nlog: [", "*x", "\xff\xfe\xff"} {
		_, err := Parse("f", []byte(text), "")
		if err == nil || !strings.HasPrefix(err.Error(), "f:") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestProblemsAreBounded(t *testing.T) {
	_, err := Parse("f", []byte(strings.Repeat("x: {}\n", 1000)), "")
	if lines := strings.Split(err.Error(), "\n"); len(lines) != maxProblems+1 || lines[maxProblems] != "f: and 900 problems more" {
		t.Errorf("%d lines: %s", len(lines), lines[len(lines)-1])
	}
	if _, err := Parse("f", make([]byte, MaxBytes+1), ""); err == nil || err.Error() != "f: longer than 1048576 bytes" {
		t.Error(err)
	}
	_, err = Parse("f", []byte("log: {format: "+strings.Repeat("x", 5000)+"}"), "")
	if len(err.Error()) > 200 {
		t.Errorf("%d bytes about one value", len(err.Error()))
	}
}

func TestReloaded(t *testing.T) {
	parse := func(text string) *Document {
		d, err := Parse("f", []byte(text), "")
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	old := parse("listen: {addr: 'a:1', loops: 2}\nlimits: {channels_per_conn: 5}\nnamespaces: {named: {a: {}}}")
	merged, refused := parse("listen: {addr: 'a:2', socket_mode: 0600}\nlimits: {channels_per_conn: 6}\nnamespaces: {named: {b: {}}}").Reloaded(old)
	if got := strings.Join(refused, " "); got != "listen.addr listen.socket_mode listen.loops" {
		t.Error(got)
	}
	if merged.Listen.Addr != "a:1" || merged.Listen.SocketMode != fs.FileMode(0) || merged.Limits.ChannelsPerConn != 6 || merged.Namespaces.Named["b"] == nil {
		t.Errorf("%+v", merged)
	}
	if _, refused := parse("auth: {anonymous: true}").Reloaded(old); strings.Join(refused, " ") != "listen.addr listen.loops auth" {
		t.Error(refused)
	}
	with := parse("auth: {anonymous: true, issuer: a, jwks: {url: 'https://a/'}}")
	merged, refused = parse("auth: {issuer: b, keys: [{id: k}], jwks: {url: 'https://b/'}}").Reloaded(with)
	if a := merged.Auth; strings.Join(refused, " ") != "auth.jwks.url" || a.Anonymous || a.Issuer != "b" || len(a.Keys) != 1 || a.JWKS.URL != "https://a/" {
		t.Errorf("%v, %+v", refused, a)
	}
	if merged, refused = parse("").Reloaded(with); strings.Join(refused, " ") != "auth.jwks.url auth" || !merged.Auth.Anonymous || !merged.Has("auth.issuer") {
		t.Errorf("%v, %+v", refused, merged.Auth)
	}
	merged, _ = parse("listen: {addr: 'a:2', socket_mode: 0600}\nlimits: {channels_per_conn: 6}\nnamespaces: {named: {b: {}}}").Reloaded(old)
	if got := fmt.Sprint(merged.Settings()); got != "[{listen.addr addr a:1} {listen.loops loops 2} {limits.channels_per_conn channels-per-conn 6}]" {
		t.Error(got)
	}
}

func TestNotes(t *testing.T) {
	d, err := Parse("f", []byte("listen: {insecure_public: true, trusted_proxies: unix}\nlog: {push: {enabled: true, data: head}}\nnamespaces: {named: {a: {publish: anyone}}}"), "")
	if err != nil {
		t.Fatal(err)
	}
	notes := fmt.Sprint(d.Notes())
	for _, want := range []string{"{listen.insecure_public everybody", "{listen.trusted_proxies a proxy", "{namespaces.named.a.publish anyone", "{namespaces nobody may subscribe", "{log.push.data the push log"} {
		if !strings.Contains(notes, want) {
			t.Errorf("%s is not in %s", want, notes)
		}
	}
}

// FuzzParse looks for a text that makes the reader panic, forget a problem's place, or read what it says it wrote differently.
func FuzzParse(f *testing.F) {
	f.Add(full)
	f.Add(string(Sample(nil)))
	f.Add("a: &a [*a]\nlisten: {<<: *a}")
	f.Add("limits: {max_conns: 0x10, node_max_bytes: 1_000, channel_idle: 9999999h}")
	f.Fuzz(func(t *testing.T, text string) {
		d, err := Parse("f", []byte(text), "dir")
		if err != nil {
			if !strings.HasPrefix(err.Error(), "f:") {
				t.Fatal(err)
			}
			return
		}
		for _, s := range d.Settings() {
			if !d.Has(s.Path) {
				t.Fatalf("%s is not set", s.Path)
			}
		}
		if problems := d.Channels().Check(); len(problems) > 0 {
			t.Fatal(problems)
		}
		if _, refused := d.Reloaded(d); len(refused) > 0 {
			t.Fatal(refused)
		}
	})
}
