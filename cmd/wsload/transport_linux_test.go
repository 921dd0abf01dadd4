package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wsedge/wsedge/internal/tlstest"
	"github.com/wsedge/wsedge/loadtest"
)

func TestTransportFlags(t *testing.T) {
	dir := t.TempDir()
	authority := tlstest.NewAuthority()
	cert, key := tlstest.PEM(authority.Issue("load"))
	for name, text := range map[string][]byte{"ca": authority.PEM(), "cert": cert, "key": key} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	opts, err := parseOptions(loadtest.Idle, []string{
		"--insecure", "--server-name", "n", "--tls-version", "1.3", "--resume", "--tls-standard", "--deflate", "wss://h/ws",
		"--ca", dir + "/ca", "--cert", dir + "/cert", "--key=" + dir + "/key",
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := opts.config.TLS
	if opts.config.URL != "wss://h/ws" || opts.config.Deflate != loadtest.DeflateEach || !c.Insecure || c.ServerName != "n" || c.Version != "1.3" ||
		!c.Resume || !c.Standard || string(c.CA) != string(authority.PEM()) || string(c.Cert) != string(cert) || string(c.Key) != string(key) {
		t.Errorf("%+v", opts.config)
	}
	opts, err = parseOptions(loadtest.Idle, []string{"--deflate=takeover", "ws://h/ws"}, nil)
	if err != nil || opts.config.Deflate != loadtest.DeflateTakeover {
		t.Errorf("%v, %+v", err, opts)
	}
}

func TestTransportThatCannotWork(t *testing.T) {
	dir := t.TempDir()
	cert, _ := tlstest.PEM(tlstest.NewAuthority().Issue("load"))
	if err := os.WriteFile(dir+"/cert", cert, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir+"/none", []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	cases := []struct{ args, stderr string }{
		{"idle wss://127.0.0.1:1/ws --ca /does/not/exist", "/does/not/exist"},
		{"idle wss://127.0.0.1:1/ws --ca DIR/none", "no certificate in it"},
		{"idle wss://127.0.0.1:1/ws --cert DIR/cert", "cert and key belong together"},
		{"idle wss://127.0.0.1:1/ws --cert DIR/cert --key DIR/none", "cert and key"},
		{"idle wss://127.0.0.1:1/ws --tls-version 1.1", "tls-version must be 1.2 or 1.3"},
		{"idle wss://127.0.0.1:1/ws --tls-version 1.1 --ca DIR/none", "tls-version must be 1.2 or 1.3, not \"1.1\""},
		{"idle ws://127.0.0.1:1/ws --insecure", "the options of TLS are for wss"},
		{"idle ws://127.0.0.1:1/ws --deflate=much", "want each or takeover"},
	}
	for _, c := range cases {
		var stdout, stderr strings.Builder
		args := strings.Fields(strings.ReplaceAll(c.args, "DIR", dir))
		if code := run(args, nil, &stdout, &stderr); code != exitUsage || !strings.Contains(stderr.String(), c.stderr) {
			t.Errorf("wsload %s: exit %d\n%s", c.args, code, stderr.String())
		}
	}
}
