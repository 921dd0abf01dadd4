package main

import (
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/wsedge/wsedge/internal/tlstest"
	"github.com/wsedge/wsedge/internal/tracing/tracingtest"
)

var adminAddr = regexp.MustCompile(`msg=listening .* admin=(\S+)`)

// metrics are what the admin address shows.
func (p *program) metrics() string {
	p.t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	response, err := client.Get("http://" + adminAddr.FindStringSubmatch(p.logged())[1] + "/metrics")
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return string(text)
}

// What was traced is sent before the process ends, with the headers of the file; to trace otherwise takes a restart.
func TestSpansAreSentBeforeTheEnd(t *testing.T) {
	receiver := tracingtest.New(t)
	name := file(t, "")
	put(t, filepath.Join(filepath.Dir(name), "headers"), []byte("Authorization: Bearer x\n"))
	text := "listen: {admin_addr: 127.0.0.1:0}\ntracing: {url: '" + receiver.URL + "', ratio: %v, headers_file: headers}\n"
	put(t, name, fmt.Appendf(nil, text, 1))
	p := start(t, "serve", "--config", name)
	if status := p.publish("", "news"); status != http.StatusOK {
		t.Errorf("status %d", status)
	}
	put(t, name, fmt.Appendf(nil, text, 0.5))
	p.hangUp("SIGHUP: configuration reloaded", 1)
	if log := p.logged(); !strings.Contains(log, `SIGHUP: not changed, that needs a restart" key=tracing.ratio`) {
		t.Error(log)
	}
	p.signal(syscall.SIGTERM)
	if status := p.exit(); status != exitOK {
		t.Errorf("exit status %d", status)
	}
	if _, header := receiver.Resource(); len(receiver.Spans()) != 3 || header.Get("Authorization") != "Bearer x" {
		t.Errorf("%+v, %v", receiver.Spans(), header)
	}
}

func TestReloadsAreInTheMetrics(t *testing.T) {
	const good = "listen: {admin_addr: 127.0.0.1:0}\n"
	name := file(t, good)
	p := launch(t, "serve", "--config", name)
	wants := func(state string) {
		t.Helper()
		p.eventually("the state "+state, func() bool {
			return strings.Contains(p.metrics(), "\nwsedge_config_last_reload_successful "+state+"\n")
		})
	}
	wants("1")
	put(t, name, []byte("nonsense"))
	p.hangUp("SIGHUP: configuration not reloaded", 1)
	wants("0")
	put(t, name, []byte(good))
	p.hangUp("SIGHUP: configuration reloaded", 1)
	wants("1")
}

func TestCertificatesAreInTheMetrics(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "a.pem"), filepath.Join(dir, "a.key")
	issued := tlstest.NewAuthority().Issue("localhost")
	certPEM, keyPEM := tlstest.PEM(issued)
	put(t, cert, certPEM)
	put(t, key, keyPEM)
	p := launch(t, "serve", "--tls-cert", cert, "--tls-key", key, "--admin-addr", "127.0.0.1:0")
	want := fmt.Sprintf("\nwsedge_certificate_not_after_timestamp_seconds{certificate=\"0\",name=\"localhost\"} %d\n", issued.Leaf.NotAfter.Unix())
	if text := p.metrics(); !strings.Contains(text, want) || !strings.Contains(text, "\nwsedge_tls_handshakes_total{outcome=\"succeeded\"} 0\n") {
		t.Errorf("%q is missing", want)
	}
}
