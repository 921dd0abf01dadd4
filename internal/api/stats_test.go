package api

import (
	"strings"
	"testing"
)

// A method that is not counted apart is lost among what strangers make up, and its spans have no name.
func TestEveryMethodIsCountedApart(t *testing.T) {
	paths := []string{batchPath, "/api/openapi.yaml"}
	for path := range scopes {
		paths = append(paths, path)
	}
	for _, path := range paths {
		if got := methods[methodIndex(path)]; "/api/"+got != path {
			t.Errorf("%s is counted as %q", path, got)
		}
	}
	for _, path := range []string{"/api/", "/api/other", "/api/nothing", "/api/publish/", "/api/" + strings.Repeat("x", 1000)} {
		if got := methods[methodIndex(path)]; got != "other" {
			t.Errorf("%.30s is counted as %q", path, got)
		}
	}
}
