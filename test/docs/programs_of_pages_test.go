package docs

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestGo: a program of Go on a page compiles, as part of this module.
func TestGo(t *testing.T) {
	seen := 0
	for _, p := range pages(t) {
		for _, b := range p.blocks {
			if b.language != "go" || !strings.HasPrefix(b.text, "package main\n") {
				continue
			}
			file := filepath.Join(t.TempDir(), "main.go")
			if err := os.WriteFile(file, []byte(b.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.Command("go", "vet", file).CombinedOutput(); err != nil {
				t.Errorf("%s, behind line %d: %v\n%s", p.path, b.line, err, out)
			}
			seen++
		}
	}
	if seen < 3 {
		t.Errorf("only %d programs", seen)
	}
}

// TestPictures: a picture is well-formed, says in words what it shows, and is drawn for dark pages, too.
func TestPictures(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root, "docs/images/*.svg"))
	if err != nil || len(files) == 0 {
		t.Fatal("no pictures", err)
	}
	for _, file := range files {
		picture := text(t, strings.TrimPrefix(file, root+"/"))
		for d := xml.NewDecoder(strings.NewReader(picture)); ; {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Errorf("%s: %v", file, err)
				break
			}
		}
		for _, part := range []string{"<title ", "<desc ", `role="img"`, "prefers-color-scheme: dark"} {
			if !strings.Contains(picture, part) {
				t.Errorf("%s has no %s", file, part)
			}
		}
	}
}
