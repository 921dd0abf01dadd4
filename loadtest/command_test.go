package loadtest

import (
	"slices"
	"testing"
)

func TestHeadersAreNotShown(t *testing.T) {
	args := []string{"wsload", "echo", "--header", "X-API-Key: k", "-header=Cookie: a=b", "--conns", "3", "header", "x", "--header"}
	want := []string{"wsload", "echo", "--header", "X-API-Key: …", "-header=Cookie: …", "--conns", "3", "header", "x", "--header"}
	before := slices.Clone(args)
	if got := withoutSecrets(args); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if !slices.Equal(args, before) {
		t.Error("the arguments themselves have changed")
	}
}
