package main

import (
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// target is a platform, and the commands that are built for it.
type target struct {
	os, arch string
	commands []string
}

// targets are all there are. wsload runs load on Linux only.
var targets = []target{
	{"linux", "amd64", []string{"wsedge", "wsload"}},
	{"linux", "arm64", []string{"wsedge", "wsload"}},
	{"darwin", "arm64", []string{"wsedge"}},
}

// release is what is being built.
type release struct {
	version string
	at      time.Time // of the commit
}

func main() {
	out := flag.String("out", "dist", "`directory` for the archives; what it has of the same names is replaced")
	flag.Parse()
	if err := run(*out); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func run(out string) error {
	r, err := describe()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	var sums []string
	for _, t := range targets {
		name := fmt.Sprintf("wsedge_%s_%s_%s", r.version, t.os, t.arch)
		packed, err := r.archive(t, name)
		if err != nil {
			return fmt.Errorf("%s/%s: %w", t.os, t.arch, err)
		}
		name += ".tar.gz"
		if err := os.WriteFile(filepath.Join(out, name), packed, 0o644); err != nil {
			return err
		}
		sum := fmt.Sprintf("%x  %s\n", sha256.Sum256(packed), name)
		fmt.Print(sum)
		sums = append(sums, sum)
	}
	slices.SortFunc(sums, func(a, b string) int { return strings.Compare(a[64:], b[64:]) })
	return os.WriteFile(filepath.Join(out, "SHA256SUMS"), []byte(strings.Join(sums, "")), 0o644)
}

// describe asks git for the version and its time. Abbreviations have a fixed length: git's own grows with the repository.
func describe() (*release, error) {
	language, err := output("go", "list", "-m", "-f", "{{.GoVersion}}")
	if err != nil {
		return nil, err
	}
	if runtime.Version() != "go"+language {
		return nil, fmt.Errorf("this is %s; the same bytes come of Go %s, which go.mod names: see make release", runtime.Version(), language)
	}
	changes, err := output("git", "status", "--porcelain")
	if err != nil {
		return nil, err
	}
	if changes != "" {
		return nil, errors.New("there are changes that are not committed; a release is of a commit")
	}
	version, err := output("git", "describe", "--tags", "--always", "--abbrev=12")
	if err != nil {
		return nil, err
	}
	seconds, err := output("git", "log", "-1", "--format=%ct")
	if err != nil {
		return nil, err
	}
	at, err := strconv.ParseInt(seconds, 10, 64)
	return &release{strings.TrimPrefix(version, "v"), time.Unix(at, 0).UTC()}, err
}

// archive builds the commands and packs them with all that belongs to them.
func (r *release) archive(t target, name string) ([]byte, error) {
	files, err := t.build()
	if err != nil {
		return nil, err
	}
	documents, err := t.documents()
	if err != nil {
		return nil, err
	}
	licenses, err := t.licenses()
	if err != nil {
		return nil, err
	}
	return pack(name, r.at, append(append(files, documents...), licenses))
}

// output is what a program says, without the space around it.
func output(name string, args ...string) (string, error) {
	text, err := exec.Command(name, args...).Output()
	if failed := (*exec.ExitError)(nil); errors.As(err, &failed) {
		return "", fmt.Errorf("%s %s: %w: %s", name, args[0], err, failed.Stderr)
	}
	return strings.TrimSpace(string(text)), err
}
