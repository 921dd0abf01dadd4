package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"go/importer"
	"go/token"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// public are the packages that programs of others import.
var public = []string{"frame", "loadtest", "pool", "reactor"}

var update = flag.Bool("update", false, "write the record anew")

// exports are the compiler's export data of the public packages and all that they depend on: a file for each import path.
func exports(t *testing.T) map[string]string {
	t.Helper()
	args := []string{"list", "-export", "-deps", "-json=ImportPath,Export"}
	for _, name := range public {
		if _, err := os.ReadDir("../../" + name); err != nil { // so that the go command, which keeps results of tests, sees a change
			t.Fatal(err)
		}
		args = append(args, "github.com/wsedge/wsedge/"+name)
	}
	cmd := exec.Command("go", args...)
	cmd.Env = append(os.Environ(), "GOOS=linux", "CGO_ENABLED=0") // loadtest has more there than elsewhere
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	files := make(map[string]string)
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct{ ImportPath, Export string }
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return files
		} else if err != nil {
			t.Fatal(err)
		}
		files[p.ImportPath] = p.Export
	}
}

// TestAPI: what the public packages export is what was recorded.
func TestAPI(t *testing.T) {
	files := exports(t)
	imports := importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) { return os.Open(files[path]) })
	for _, name := range public {
		pkg, err := imports.Import("github.com/wsedge/wsedge/" + name)
		if err != nil {
			t.Fatal(err)
		}
		lines, file := surface(pkg), name+".txt"
		if *update {
			if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		recorded, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if d := difference(strings.Split(strings.TrimSuffix(string(recorded), "\n"), "\n"), lines); d != "" {
			t.Errorf("package %s does not export what %s says: what is gone breaks programs. If it is meant, run make api.\n%s", name, file, d)
		}
	}
}

// difference lists what only one of two sorted records has.
func difference(was, is []string) string {
	var d strings.Builder
	for _, line := range was {
		if _, found := slices.BinarySearch(is, line); !found {
			fmt.Fprintln(&d, "gone:", line)
		}
	}
	for _, line := range is {
		if _, found := slices.BinarySearch(was, line); !found {
			fmt.Fprintln(&d, "new: ", line)
		}
	}
	return d.String()
}

func TestDifference(t *testing.T) {
	if d := difference([]string{"a", "b"}, []string{"b", "c"}); d != "gone: a\nnew:  c\n" {
		t.Errorf("%q", d)
	}
	if d := difference([]string{"a"}, []string{"a"}); d != "" {
		t.Errorf("%q", d)
	}
}
