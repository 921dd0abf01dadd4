package packaging

import (
	"bytes"
	"debug/buildinfo"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Two clones in different places, one of them built with nothing cached, give the same bytes.
func TestReleasesAreReproducible(t *testing.T) {
	slow(t)
	base := t.TempDir()
	first, second := filepath.Join(base, "one"), filepath.Join(base, "somewhere", "else", "the-second")
	for _, dir := range []string{first, second} {
		do(t, "../..", nil, "git", "clone", "-q", ".", dir)
	}
	do(t, first, []string{"TZ=UTC"}, "make", "release")
	cache := filepath.Join(base, "cache")
	do(t, second, []string{"TZ=Asia/Tokyo", "GOCACHE=" + cache, "GOFLAGS=-p=2", "GOAMD64=v3"}, "make", "release")
	names := archives(t, first)
	if len(names) != 4 || names[0] != "SHA256SUMS" {
		t.Fatalf("dist has %q", names)
	}
	for _, name := range names {
		if !bytes.Equal(contents(t, first, name), contents(t, second, name)) {
			t.Errorf("%s differs", name)
		}
	}
	needs(t, "sha256sum")
	do(t, filepath.Join(first, "dist"), nil, "sha256sum", "--check", "--strict", "SHA256SUMS")
	unpacked(t, filepath.Join(first, "dist"), names)
}

// unpacked looks at what an archive has: the binaries know their commit and are static, and the unit is for Linux.
func unpacked(t *testing.T, dist string, names []string) {
	t.Helper()
	commit := strings.TrimSpace(do(t, "../..", nil, "git", "rev-parse", "HEAD"))
	for _, name := range names[1:] {
		do(t, dist, nil, "tar", "xzf", name)
		top := filepath.Join(dist, strings.TrimSuffix(name, ".tar.gz"))
		info, err := buildinfo.ReadFile(filepath.Join(top, "wsedge"))
		if err != nil {
			t.Fatal(err)
		}
		settings := map[string]string{}
		for _, s := range info.Settings {
			settings[s.Key] = s.Value
		}
		if settings["vcs.revision"] != commit || settings["vcs.modified"] != "false" || settings["CGO_ENABLED"] != "0" || settings["-trimpath"] != "true" {
			t.Errorf("%s: built as %v", name, settings)
		}
		linux := strings.Contains(name, "_linux_")
		for file, want := range map[string]bool{"wsload": linux, "systemd/wsedge.service": linux, "sysctl/90-wsedge.conf": linux,
			"LICENSE": true, "THIRD_PARTY_LICENSES": true, "docs/CONFIGURATION.md": true, "packaging/grafana/wsedge.json": true, "packaging/prometheus/alerts.yml": true, "wsedge.sample.yaml": true} {
			if _, err := os.Stat(filepath.Join(top, file)); (err == nil) != want {
				t.Errorf("%s has %s: %t", name, file, err == nil)
			}
		}
	}
}

func archives(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(dir, "dist"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func contents(t *testing.T, dir, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "dist", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
