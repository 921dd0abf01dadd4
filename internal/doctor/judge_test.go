package doctor

import (
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files and packaging/sysctl/90-wsedge.conf anew")

// golden compares a text with a file.
func golden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; go test ./internal/doctor -update writes it anew. Got:\n%s", name, got)
	}
}

const standard = ProcessBytes + 512<<20

func TestJudge(t *testing.T) {
	plain := Plan{UserBytes: PlainBytes, NodeBytes: standard}
	asked := func(n int64) Plan { p := plain; p.Asked = n; return p }
	for _, row := range []struct {
		name    string
		changes map[string]string
		plan    Plan
		bad     bool
	}{
		{"in-order", map[string]string{"proc/self/environ": ""}, asked(500_000), false},
		{"little-memory-limit", nil, plain, false},
		{"a-login", map[string]string{
			"proc/self/limits": "Max open files            1024                 4096                 files\n", "proc/self/environ": "",
			"proc/sys/net/core/somaxconn": "128\n", "proc/sys/net/ipv4/tcp_syncookies": "0\n", "proc/sys/net/ipv4/tcp_wmem": "4096 16384 4194304\n",
			"proc/sys/net/ipv4/tcp_slow_start_after_idle": "1\n", "sys/kernel/mm/transparent_hugepage/enabled": "[always] madvise never\n",
		}, plain, false},
		{"a-container", map[string]string{
			"proc/self/cgroup": "0::/\n", "proc/self/environ": "", "sys/fs/cgroup/memory.max": "1073741824\n", "sys/fs/cgroup/memory.current": "2000000\n",
			"sys/fs/cgroup/cpu.max": "150000 100000\n", "proc/sys/net/core/somaxconn": "4096\n",
			"proc/sys/net/netfilter/nf_conntrack_max": "65536\n", "proc/sys/net/netfilter/nf_conntrack_count": "536\n",
		}, asked(200_000), true},
		{"workers", map[string]string{
			"proc/self/limits": "Max open files            20000                20000                files\n", "proc/self/environ": "",
		}, Plan{Asked: 200_000, UserBytes: PlainBytes, NodeBytes: 13 * standard, Workers: 12}, false},
		{"a-million-over-tls", map[string]string{"proc/self/environ": ""}, Plan{Asked: 2_000_000, UserBytes: TLSBytes, NodeBytes: standard, Loops: 16, MaxConns: 100_000}, true},
		{"no-memory", map[string]string{"proc/meminfo": "MemTotal: 600000 kB\nMemAvailable: 500000 kB\n", "proc/self/environ": ""}, plain, false},
		{"no-memory-for-many", map[string]string{"proc/meminfo": "MemTotal: 600000 kB\nMemAvailable: 500000 kB\n", "proc/self/environ": ""}, asked(100_000), true},
		{"enough-for-few", map[string]string{"proc/meminfo": "MemTotal: 600000 kB\nMemAvailable: 500000 kB\n", "proc/self/environ": ""}, asked(5_000), false},
	} {
		t.Run(row.name, func(t *testing.T) {
			report := Judge(Look(tree(with(linux(), row.changes)), "self"), row.plan)
			if report.Bad() != row.bad {
				t.Errorf("bad: %t", report.Bad())
			}
			var text strings.Builder
			if err := report.WriteText(&text); err != nil {
				t.Fatal(err)
			}
			golden(t, filepath.Join("testdata", row.name+".txt"), text.String())
		})
	}
}

func TestWhereNothingCanBeSeen(t *testing.T) {
	report := Judge(Snapshot{}, Plan{Asked: 10, UserBytes: PlainBytes})
	if report.Bad() || report.Connections != nil || len(report.Findings) != 1 || report.Findings[0].Status != Unknown {
		t.Errorf("%+v", report)
	}
}

// What it takes to have n connections is what the advice says.
func TestAdviceIsEnough(t *testing.T) {
	for _, n := range []int64{1, 100, 1000, 10_000, 1 << 20} {
		if allowed := filesFor(n) - reserve(filesFor(n)); allowed < n {
			t.Errorf("%d files allow %d connections, want %d", filesFor(n), allowed, n)
		}
	}
}

func TestSettings(t *testing.T) {
	golden(t, "../../packaging/sysctl/90-wsedge.conf", SysctlFile())
	for i := range Settings {
		s := &Settings[i]
		if words := strings.Fields(s.Want); s.index >= len(words) || words[s.index] != strconv.FormatInt(s.want, 10) {
			t.Errorf("%s: wants %d, and sets %q", s.Name, s.want, s.Want)
		}
		if !s.met(s.want) {
			t.Errorf("%s: what it wants will not do", s.Name)
		}
	}
}
