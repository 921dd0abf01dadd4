package wsedge_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// A table of what is tested is worth something while the tests are there, and the metrics have these names.
func TestOperatingNamesWhatThereIs(t *testing.T) {
	var text []byte
	for _, page := range []string{"docs/OPERATING.md", "docs/GUIDE.md"} {
		more, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, more...)
	}
	sources := func(pattern string) (all []byte) {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, source...)
		}
		return all
	}
	named := regexp.MustCompile("`([a-z/]+)/((?:Test|Fuzz)[A-Za-z0-9]+)`").FindAllStringSubmatch(string(text), -1)
	if len(named) == 0 {
		t.Error("no test is named")
	}
	tests := make(map[string][]byte)
	for _, m := range named {
		if tests[m[1]] == nil {
			tests[m[1]] = sources(m[1] + "/*_test.go")
		}
		if !bytes.Contains(tests[m[1]], []byte("func "+m[2]+"(")) {
			t.Errorf("%s has no %s", m[1], m[2])
		}
	}
	metrics := sources("internal/metrics/*.go")
	for _, name := range regexp.MustCompile(`wsedge_[a-z_]+[a-z]`).FindAll(text, -1) {
		if !bytes.Contains(metrics, append(append([]byte{'"'}, name...), '"')) {
			t.Errorf("there is no metric %s", name)
		}
	}
}
