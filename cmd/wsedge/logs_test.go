package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestWhyAsksAServer asks of clients that have been and of such that have not, with a recorder and without.
func TestWhyAsksAServer(t *testing.T) {
	p := launch(t, "serve", "--flight-recorder")
	_, id, _ := strings.Cut(p.welcome("/ws"), `"client":"`) // it has hung up since
	id, _, _ = strings.Cut(id, `"`)
	var status int
	var text string
	p.eventually("closed", func() bool { status, text, _ = p.ask("", "why", id); return strings.Contains(text, "closed 2") })
	if lines := strings.Split(text, "\n"); status != exitOK || len(lines) != 4 || !strings.HasPrefix(lines[0], id+": ") ||
		!strings.HasPrefix(lines[1], "opened 2") || !strings.HasSuffix(lines[1], ", wsedge.v1") || !strings.HasSuffix(lines[2], " s  welcomed") {
		t.Errorf("status %d\n%s", status, text)
	}
	p.expect("", exitOK, `{"clients":[{"client":"`+id+`","state":"closed","verdict":"…`, "why", id, "--json")
	const unknown = "wsedge: the server knows nothing of that: …"
	p.expect("", exitFailure, unknown, "why", "nobody-1")
	p.expect("", exitFailure, unknown, "why", "--user", "ann")
	p.expect("", exitUsage, "wsedge: want either the id of a client, which its welcome and presence tell, or --user\n", "why")
	p.expect("", exitUsage, "wsedge: want either …", "why", id, "--user", "ann")

	launch(t, "serve").expect("", exitFailure, "wsedge: unavailable: nothing is recorded: …", "why", id)
}

// What a record says is told in lines, and what others have written does no harm to a terminal.
func TestRecordsAreReadable(t *testing.T) {
	r := record{Client: "n-1", Verdict: "closed\x1b[2J", User: "a\nnn", Dialect: "raw", Opened: "O", Closed: "C", DurationMS: 61_500, Forgotten: 3, Events: []recordEvent{
		{AtMS: 1, Event: "subscribed", Channel: "news"}, {AtMS: 61_000, Event: "dropped", ChannelHash: "ff", Reason: "oldest", Count: 5}, {AtMS: 61_400, Event: "ending", Reason: "slow", Bytes: 77},
		{AtMS: 61_500, Event: "refused", Code: "rate"},
	}}
	var b strings.Builder
	if err := r.print(&b); err != nil {
		t.Fatal(err)
	}
	const want = `n-1: closed?[2J
opened O, closed C, 1m1.5s, user a?nn, raw
3 earlier events are forgotten
  0.001 s   subscribed news
  61.000 s  dropped #ff oldest ×5
  61.400 s  ending slow 77 bytes
  61.500 s  refused rate
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

// TestLogsAreReopenedOnSIGHUP moves the files away, as logrotate does: what comes afterwards is in new ones, and they are opened
// even where the configuration has become wrong meanwhile.
func TestLogsAreReopenedOnSIGHUP(t *testing.T) {
	name := file(t, "")
	folder := filepath.Dir(name)
	const text = "listen: {admin_addr: 127.0.0.1:0}\nlog: {push: {enabled: true, file: push.log}, access: {enabled: true, file: access.log}}\n"
	put(t, name, []byte(text))
	p := launch(t, "serve", "--config", name)
	lines := func(name, want string, n int) {
		t.Helper()
		var b []byte
		p.eventually(fmt.Sprintf("%s: %d whole lines with %s", name, n, want), func() bool {
			b, _ = os.ReadFile(filepath.Join(folder, name))
			return strings.Count(string(b), want) >= n && strings.HasSuffix(string(b), "\n")
		})
		if strings.Count(string(b), "\n") != n {
			t.Errorf("%s: more than %d lines:\n%s", name, n, b)
		}
	}
	publish := func(channel string) {
		t.Helper()
		if status, _, stderr := p.ask("", "publish", channel, "1"); status != exitOK {
			t.Fatal(stderr)
		}
		lines("push.log", `"channel":"`+channel+`"`, 1)
		lines("access.log", `"path":"/api/publish"`, 1)
	}
	move := func(to string) {
		t.Helper()
		for _, name := range []string{"push.log", "access.log"} {
			if err := os.Rename(filepath.Join(folder, name), filepath.Join(folder, name+to)); err != nil {
				t.Fatal(err)
			}
		}
	}
	publish("one")
	move(".1")
	p.hangUp("SIGHUP: configuration reloaded", 1)
	publish("two")
	move(".2")
	put(t, name, []byte(text+"limits: {max_conns: many}\n"))
	p.hangUp("SIGHUP: configuration not reloaded, the old one stays", 1)
	publish("three")
	lines("push.log.1", `"channel":"one"`, 1)
	lines("push.log.2", `"channel":"two"`, 1)

	put(t, name, []byte("listen: {admin_addr: 127.0.0.1:0}\nlog: {push: {every: -1, data: all, head_bytes: 9999}, access: {address: some}}\nflight_recorder: {ends: -5}\n"))
	status, _, stderr := call(nil, "check", "--config", name)
	for _, want := range []string{"log.push.every", "log.push.data", "log.push.head_bytes", "log.access.address", "flight_recorder.ends"} {
		if status != exitFailure || !strings.Contains(stderr, want) {
			t.Errorf("status %d, nothing of %s: %s", status, want, stderr)
		}
	}
}
