package doctor

import (
	"math"
	"reflect"
	"testing"
	"testing/fstest"
)

// tree makes a file system of names and texts.
func tree(texts map[string]string) fstest.MapFS {
	root := fstest.MapFS{}
	for name, text := range texts {
		root[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return root
}

// linux is a usual machine.
func linux() map[string]string {
	return map[string]string{
		"proc/self/limits":     "Limit                     Soft Limit           Hard Limit           Units     \nMax processes             95829                95829                processes \nMax open files            1024                 1048576              files     \n",
		"proc/self/status":     "Name:\twsedge\nCpus_allowed:\tf\nCpus_allowed_list:\t0-2,8\n",
		"proc/self/cgroup":     "0::/system.slice/wsedge.service\n",
		"proc/self/environ":    "PATH=/bin\x00GOMAXPROCS=3\x00GOMEMLIMIT=1536MiB\x00",
		"proc/meminfo":         "MemTotal:       16384000 kB\nMemFree:         100000 kB\nMemAvailable:   12000000 kB\n",
		"proc/sys/fs/file-max": "9223372036854775807\n",
		"proc/sys/fs/file-nr":  "1184\t10\t9223372036854775807\n",
		"proc/sys/fs/nr_open":  "1048576\n",

		"proc/sys/net/core/somaxconn":                     "16384\n",
		"proc/sys/net/ipv4/ip_local_port_range":           "32768\t60999\n",
		"proc/sys/net/ipv4/tcp_max_syn_backlog":           "4096\n",
		"proc/sys/net/ipv4/tcp_mem":                       "1152000\t1536000\t2304000\n",
		"proc/sys/net/ipv4/tcp_rmem":                      "4096\t131072\t6291456\n",
		"proc/sys/net/ipv4/tcp_slow_start_after_idle":     "0\n",
		"proc/sys/net/ipv4/tcp_syncookies":                "1\n",
		"proc/sys/net/ipv4/tcp_wmem":                      "4096\t16384\t1048576\n",
		"sys/kernel/mm/transparent_hugepage/enabled":      "always [madvise] never\n",
		"sys/fs/cgroup/system.slice/memory.max":           "max\n",
		"sys/fs/cgroup/system.slice/wsedge.service/other": "",
	}
}

// with changes some files.
func with(texts map[string]string, changes map[string]string) map[string]string {
	for name, text := range changes {
		texts[name] = text
	}
	return texts
}

func TestLook(t *testing.T) {
	s := Look(tree(linux()), "self")
	s.Sysctls = nil
	want := Snapshot{Seen: true, Files: 1048576, Hugepages: "madvise", MemTotal: 16384000 << 10, MemAvailable: 12000000 << 10,
		CPUs: 4, GoMaxProcs: 3, GoMemLimit: 1536 << 20}
	if !reflect.DeepEqual(s, want) {
		t.Errorf("got  %+v\nwant %+v", s, want)
	}
	s = Look(tree(linux()), "self")
	for name, want := range map[string][]int64{
		"fs.file-nr": {1184, 10, math.MaxInt64}, "net.ipv4.tcp_mem": {1152000, 1536000, 2304000}, "net.ipv4.tcp_syncookies": {1}, "net.netfilter.nf_conntrack_max": nil,
	} {
		if got := s.Sysctls[name]; !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	if s := Look(tree(linux()), "17"); s.Seen {
		t.Errorf("a process that is not there was seen: %+v", s)
	}
	if s := Look(fstest.MapFS{}, "self"); s.Seen || len(s.Sysctls) > 0 {
		t.Errorf("nothing was there, and seen: %+v", s)
	}
}

// The strictest group on the way to the root counts, and what the kernel would give back is not in use.
func TestGroups(t *testing.T) {
	const slice, service = "sys/fs/cgroup/system.slice/", "sys/fs/cgroup/system.slice/wsedge.service/"
	for _, row := range []struct {
		name  string
		files map[string]string
		want  Group
	}{
		{"no limit", nil, Group{}},
		{"its own", map[string]string{service + "memory.max": "4294967296\n", service + "memory.current": "1000\n", service + "cpu.max": "150000 100000\n"},
			Group{Memory: 4 << 30, MemoryUsed: 1000, CPUs: 1.5}},
		{"the slice's is lower", map[string]string{service + "memory.max": "4294967296\n", slice + "memory.max": "1073741824\n", slice + "memory.current": "5000\n",
			slice + "memory.stat": "anon 1\ninactive_file 2000\n", service + "cpu.max": "max 100000\n", slice + "cpu.max": "50000 100000\n"},
			Group{Memory: 1 << 30, MemoryUsed: 3000, CPUs: 0.5}},
		{"in a container", map[string]string{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "1073741824\n"}, Group{Memory: 1 << 30}},
		{"outside the namespace", map[string]string{"proc/self/cgroup": "0::/../..\n", "sys/fs/cgroup/memory.max": "1073741824\n"}, Group{Memory: 1 << 30}},
		{"version 1", map[string]string{"proc/self/cgroup": "4:memory:/a\n0::/\n"}, Group{Old: true}},
		{"version 1 alone", map[string]string{"proc/self/cgroup": "4:memory:/a\n"}, Group{Old: true}},
		{"nonsense", map[string]string{service + "memory.max": "much\n", service + "cpu.max": "1 0\n"}, Group{}},
	} {
		if got := Look(tree(with(linux(), row.files)), "self").Group; got != row.want {
			t.Errorf("%s: %+v, want %+v", row.name, got, row.want)
		}
	}
}

func TestGoBytes(t *testing.T) {
	for text, want := range map[string]int64{"1000": 1000, "1000B": 1000, "2KiB": 2048, "3MiB": 3 << 20, "4GiB": 4 << 30, "1TiB": 1 << 40, "off": 0, "": 0, "-1": 0, "much": 0} {
		if got := goBytes(text); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

func TestUnlimitedFiles(t *testing.T) {
	s := Look(tree(with(linux(), map[string]string{"proc/self/limits": "Max open files            unlimited            unlimited            files     \n"})), "self")
	if s.Files != math.MaxInt64 {
		t.Errorf("%d files", s.Files)
	}
}

// FuzzLook has hostile texts in place of the kernel's: whatever is there, looking and judging end.
func FuzzLook(f *testing.F) {
	f.Add("Max open files 1 2 files", "0::/a", "1 2 3", int64(5))
	f.Add("Max open files 1 unlimited files", "0::/../..", "max max", int64(math.MaxInt64))
	f.Fuzz(func(t *testing.T, limits, group, numbers string, asked int64) {
		if asked < 0 {
			return
		}
		texts := linux()
		for name := range texts {
			texts[name] = numbers
		}
		texts["proc/self/limits"], texts["proc/self/cgroup"] = limits, group
		report := Judge(Look(tree(texts), "self"), Plan{Asked: asked, UserBytes: PlainBytes})
		for _, finding := range report.Findings {
			if finding.Name == "" || finding.Status == "" || finding.Connections != nil && *finding.Connections < 0 {
				t.Errorf("%+v", finding)
			}
		}
		if report.Bad() && report.Connections == nil {
			t.Error("bad, but of nothing that is known")
		}
	})
}
