package integration

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// recoveryResult is what these tests look at of wsload's result.
type recoveryResult struct {
	Ledger struct {
		Expected, Received, Lost, Unrecovered, Duplicated, Reordered uint64
	} `json:"ledger"`
	Recovery struct {
		Returned, Recovered uint64
		NotRecovered        uint64 `json:"not_recovered"`
		Publications        uint64
		CaughtUp            struct{ Count uint64 } `json:"caught_up"`
	} `json:"recovery"`
}

// storm has 40 connections cut, which come back behind some publications. It returns wsload's exit status.
func storm(t *testing.T, wsload, url string, args ...string) (r recoveryResult, status int) {
	t.Helper()
	result := filepath.Join(t.TempDir(), "result.json")
	args = append([]string{"storm", url, "--conns", "40", "--rate", "50", "--warmup", "0", "--duration", "1500ms", "--settle", "0", "--drain", "30s",
		"--drop-by", "reset", "--return-after", "300ms", "--return-jitter", "200ms", "--recover", "--accept-invalid", "--quiet", "--json", result}, args...)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, wsload, args...)
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	status = cmd.ProcessState.ExitCode()
	text, err := os.ReadFile(result)
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r, status
}

// TestLoadRecovers has everybody cut off: with enough history nobody misses anything, by the recipe and by the one in the documentation,
// compressed, too; with too little, or with the promise of recovery taken back, the gap is told.
func TestLoadRecovers(t *testing.T) {
	wsload, dir := buildLoad(t), recipes(t)
	s := start(t, "", "--history-size", "1000", "--recover", "--deflate")
	for _, args := range [][]string{nil, {"--protocol", dir + "/wsedge.yaml", "--topics", "4"}, {"--deflate", "--publishers", "3"}} {
		r, status := storm(t, wsload, "ws://"+s.addr+"/ws", args...)
		if c, l := r.Recovery, r.Ledger; status != 0 || c.Returned != 40 || c.Recovered != 40 || c.CaughtUp.Count != 40 || c.Publications == 0 ||
			l.Expected == 0 || l.Received != l.Expected || l.Duplicated+l.Reordered != 0 {
			t.Errorf("%v: exit %d, %+v", args, status, r)
		}
	}
	s.stop()
	for _, args := range [][]string{{"--history-size", "3", "--recover"}, {"--history-size", "1000"}} {
		s := start(t, "", args...)
		r, status := storm(t, wsload, "ws://"+s.addr+"/ws")
		if c, l := r.Recovery, r.Ledger; status != 1 || c.NotRecovered != 40 || c.Publications != 0 || l.Lost != 0 || l.Unrecovered < 40*10 ||
			l.Received+l.Unrecovered != l.Expected {
			t.Errorf("%v: exit %d, %+v", args, status, r)
		}
		s.stop()
	}
}
