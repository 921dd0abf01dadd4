package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/wsedge/wsedge/internal/config"
)

// documented are the files of the repository that every archive has; onLinux only those for Linux, in directories of their own.
var (
	documented = []string{"LICENSE", "README.md", ":(glob)docs/*.md", ":(glob)docs/*.json", "docs/decisions", "docs/images", "clients/js/README.md", "packaging/grafana", "packaging/prometheus"}
	onLinux    = map[string]string{
		"packaging/systemd/wsedge.service":  "systemd/wsedge.service",
		"packaging/systemd/wsedge.sysusers": "systemd/wsedge.sysusers",
		"packaging/sysctl/90-wsedge.conf":   "sysctl/90-wsedge.conf",
	}
)

// environment is that of Go's commands for the target: nothing that somebody has set for themselves changes what is built.
func (t target) environment() []string {
	return append(os.Environ(), "CGO_ENABLED=0", "GOOS="+t.os, "GOARCH="+t.arch, "GOAMD64=v1", "GOARM64=v8.0", "GOFLAGS=", "GOEXPERIMENT=", "GOWORK=off")
}

// build makes the binaries, with the flags of make build, and the commit in them.
func (t target) build() ([]file, error) {
	dir, err := os.MkdirTemp("", "wsedge-release")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	args := []string{"build", "-trimpath", "-buildvcs=true", "-ldflags=-s -w", "-o", dir + string(filepath.Separator)}
	for _, command := range t.commands {
		args = append(args, "./cmd/"+command)
	}
	build := exec.Command("go", args...)
	build.Env = t.environment()
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build: %w\n%s", err, out)
	}
	var files []file
	for _, command := range t.commands {
		text, err := os.ReadFile(filepath.Join(dir, command))
		if err != nil {
			return nil, err
		}
		files = append(files, file{command, 0o755, text})
	}
	return files, nil
}

// documents are what is to be read, and a configuration to begin with.
func (t target) documents() ([]file, error) {
	names, err := output("git", append([]string{"ls-files", "--"}, documented...)...)
	if err != nil {
		return nil, err
	}
	files := []file{{"wsedge.sample.yaml", 0o644, config.Sample(nil)}}
	add := func(name, as string) error {
		text, err := os.ReadFile(name)
		files = append(files, file{as, 0o644, text})
		return err
	}
	for name := range strings.SplitSeq(names, "\n") {
		err = errors.Join(err, add(name, name))
	}
	if t.os == "linux" {
		for name, as := range onLinux {
			err = errors.Join(err, add(name, as))
		}
	}
	return files, err
}

// licenses puts those of Go and of all modules in the binaries into one file, as they ask for.
func (t target) licenses() (file, error) {
	args := []string{"list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}\t{{.Dir}}{{end}}{{end}}"}
	for _, command := range t.commands {
		args = append(args, "./cmd/"+command)
	}
	list := exec.Command("go", args...)
	list.Env = t.environment()
	out, err := list.Output()
	if err != nil {
		return file{}, fmt.Errorf("go list: %w", err)
	}
	modules := strings.Split(strings.TrimSpace(string(out)), "\n")
	slices.Sort(modules)
	root, err := output("go", "env", "GOROOT")
	if err != nil {
		return file{}, err
	}
	var b bytes.Buffer
	b.WriteString("wsedge contains the following software, under the licenses that follow each name.\n")
	for _, module := range append([]string{"The Go programming language\t" + root}, slices.Compact(modules)...) {
		if module == "" {
			continue
		}
		name, dir, _ := strings.Cut(module, "\t")
		if err := appendLicense(&b, name, dir); err != nil {
			return file{}, err
		}
	}
	return file{"THIRD_PARTY_LICENSES", 0o644, b.Bytes()}, nil
}

// appendLicense writes what a directory has for licenses and notices. One without any must not be given away in a binary.
func appendLicense(b *bytes.Buffer, name, dir string) error {
	found := false
	for _, pattern := range []string{"LICENSE*", "LICENCE*", "COPYING*", "NOTICE*", "PATENTS*"} {
		paths, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return err
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			found = found || !strings.HasPrefix(pattern, "NOTICE") && !strings.HasPrefix(pattern, "PATENTS")
			fmt.Fprintf(b, "\n==== %s: %s\n\n%s\n", name, filepath.Base(path), bytes.TrimSpace(text))
		}
	}
	if !found {
		return fmt.Errorf("%s has no license in %s", name, dir)
	}
	return nil
}
