package conformance

import (
	"context"
	"crypto/tls"
	"flag"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/wsedge/wsedge/internal/echo"
	"github.com/wsedge/wsedge/internal/tlstest"
	"github.com/wsedge/wsedge/reactor"
)

var (
	urlFlag     = flag.String("conformance.url", "", "judge this server, ws://host:port/path, instead of the project's own")
	casesFlag   = flag.String("conformance.cases", "*", "ids of the cases to run, such as 6.4.*,12.*")
	countFlag   = flag.Int("conformance.count", 4, "messages of each case of families 12 and 13; the suite's own count is 1000")
	tlsFlag     = flag.String("conformance.tls", "", "std, compact or 1.2: judge the project's own server over wss")
	modesFlag   = flag.String("conformance.modes", "as is,byte by byte,joined", "write modes")
	workersFlag = flag.Int("conformance.workers", 16, "cases at a time")
)

// target is the server to judge: the one of the flag, or an echo server of the project.
func target(t *testing.T) Target {
	t.Helper()
	if *urlFlag != "" {
		to, err := ParseTarget(*urlFlag)
		if err != nil {
			t.Fatal(err)
		}
		return to
	}
	if *tlsFlag == "" {
		return Target{Address: startEcho(t, echo.Config{}), Path: "/"}
	}
	authority := tlstest.NewAuthority()
	served := &tls.Config{Certificates: []tls.Certificate{authority.Issue("localhost")}}
	if *tlsFlag == "1.2" {
		served.MaxVersion = tls.VersionTLS12
	}
	address := startEcho(t, echo.Config{TLS: &reactor.TLSOptions{Config: served, Compact: *tlsFlag == "compact"}})
	return Target{Address: address, Path: "/", TLS: &tls.Config{RootCAs: authority.Pool(), ServerName: "localhost"}}
}

func startEcho(t *testing.T, cfg echo.Config) string {
	t.Helper()
	cfg.Addr = "127.0.0.1:0"
	cfg.OutboundMaxAge = patience // 16 cases at a time may take a client on a busy machine longer than the default
	cfg.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	s, err := echo.Listen(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	})
	return s.Addr().String()
}

// TestConformance runs every case in every write mode and prints the table.
func TestConformance(t *testing.T) {
	var modes []Mode
	for _, m := range Modes {
		if slices.Contains(strings.Split(*modesFlag, ","), m.String()) {
			modes = append(modes, m)
		}
	}
	results := Run(target(t), Cases(*countFlag), *casesFlag, *workersFlag, modes...)
	if len(results) == 0 {
		t.Fatalf("no case matches %q in the modes %q", *casesFlag, *modesFlag)
	}
	for _, r := range results {
		if r.Verdict != Strict {
			t.Errorf("%s, %v: %v: %v", r.Case.ID, r.Mode, r.Verdict, r.Err)
		}
	}
	var table strings.Builder
	Table(&table, results)
	t.Logf("\n%s", table.String())
}

// TestSuiteIsComplete counts the cases of each family.
func TestSuiteIsComplete(t *testing.T) {
	want := map[string]int{"1": 16, "2": 11, "3": 7, "4": 10, "5": 20, "6": 145, "7": 37, "9": 54, "10": 1, "12": 90, "13": 126}
	got := map[string]int{}
	seen := map[string]bool{}
	for _, c := range Cases(1) {
		family, _, _ := strings.Cut(c.ID, ".")
		got[family]++
		if seen[c.ID] {
			t.Errorf("%s twice", c.ID)
		}
		seen[c.ID] = true
	}
	for family, n := range want {
		if got[family] != n {
			t.Errorf("family %s has %d cases, want %d", family, got[family], n)
		}
	}
	if len(seen) != 517 {
		t.Errorf("%d cases, want 517", len(seen))
	}
}
