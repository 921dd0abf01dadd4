package integration

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// loadResult is what these tests look at of wsload's result.
type loadResult struct {
	Ledger struct{ Expected, Received uint64 } `json:"ledger"`
	Errors struct{ Total uint64 }              `json:"errors"`
	TLS    struct {
		Agreed struct {
			Versions map[string]uint64 `json:"versions"`
			Resumed  uint64            `json:"resumed"`
		} `json:"agreed"`
	} `json:"tls"`
	Deflate struct {
		Counts struct {
			Accepted       uint64 `json:"accepted"`
			ServerTakeover uint64 `json:"server_takeover"`
			Messages       uint64 `json:"messages"`
			SentMessages   uint64 `json:"sent_messages"`
		} `json:"counts"`
	} `json:"deflate"`
}

// buildLoad builds wsload.
func buildLoad(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "wsload")
	run(t, "go", "build", "-o", file, "github.com/wsedge/wsedge/cmd/wsload")
	return file
}

// load runs a short scenario, in which nothing may be lost, and returns its result.
func load(t *testing.T, wsload string, args ...string) loadResult {
	t.Helper()
	file := filepath.Join(t.TempDir(), "result.json")
	args = append(args, "--conns", "20", "--duration", "500ms", "--warmup", "0", "--settle", "0", "--drain", "30s", "--quiet", "--accept-invalid", "--json", file)
	run(t, wsload, args...)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var r loadResult
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	if r.Errors.Total != 0 || r.Ledger.Received != r.Ledger.Expected || r.Ledger.Received == 0 {
		t.Errorf("%+v", r)
	}
	return r
}

// transports are the ways in which wsload may go about it.
var transports = []struct {
	name    string
	args    []string
	version string
}{
	{"1.3", nil, "TLS 1.3"},
	{"1.3 by crypto/tls", []string{"--tls-standard"}, "TLS 1.3"},
	{"1.2", []string{"--tls-version", "1.2"}, "TLS 1.2"},
	{"resumed", []string{"--resume", "--max-in-flight", "1", "--threads", "1"}, "TLS 1.3"},
	{"deflate", []string{"--deflate"}, "TLS 1.3"},
	{"takeover", []string{"--deflate=takeover"}, "TLS 1.3"},
}

// TestLoadOnNode has wsload on Node's OpenSSL and npm's ws.
func TestLoadOnNode(t *testing.T) {
	needs(t, "node")
	ca, wsload := newTestCA(t), buildLoad(t)
	server := exec.Command("node", "node_server.mjs", ca.cert, ca.key)
	server.Stderr = os.Stderr
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	port, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	loadOverTLS(t, wsload, ca, "wss://127.0.0.1:"+strings.TrimSpace(port), "/echo")
}

// TestLoadOnWsedge has wsload on our own server.
func TestLoadOnWsedge(t *testing.T) {
	needs(t)
	ca, wsload := newTestCA(t), buildLoad(t)
	for _, layer := range layers[:2] {
		t.Run(layer.name, func(t *testing.T) {
			s := start(t, "", ca.flags(append(layer.flags, "--deflate", "--deflate-takeover")...)...)
			loadOverTLS(t, wsload, ca, "wss://"+s.addr, "")
		})
	}
}

// loadOverTLS goes through the transports, with an echo where there is one.
func loadOverTLS(t *testing.T, wsload string, ca testCA, url, echo string) {
	for _, transport := range transports {
		t.Run(transport.name, func(t *testing.T) {
			common := append([]string{"--ca", ca.ca, "--payload", "3000"}, transport.args...)
			results := []loadResult{load(t, wsload, append([]string{"fanout", url + "/ws/raw?channel=load", "--rate", "40"}, common...)...)}
			if echo != "" {
				results = append(results, load(t, wsload, append([]string{"echo", url + echo, "--rate", "400"}, common...)...))
			}
			for i, r := range results {
				deflate, compresses := r.Deflate.Counts, strings.Contains(strings.Join(transport.args, " "), "deflate")
				if r.TLS.Agreed.Versions[transport.version] != 20 || (r.TLS.Agreed.Resumed > 0) != (transport.name == "resumed") {
					t.Errorf("%+v", r.TLS)
				}
				if compresses != (deflate.Accepted == 20 && deflate.Messages == r.Ledger.Received) || (deflate.ServerTakeover == 20) != (transport.name == "takeover") {
					t.Errorf("%+v", deflate)
				}
				if compresses && i == 1 && deflate.SentMessages != r.Ledger.Expected {
					t.Errorf("%d of %d sent messages were compressed", deflate.SentMessages, r.Ledger.Expected)
				}
			}
		})
	}
}
