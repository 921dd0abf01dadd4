package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"
)

// The order in which files come makes no difference; directories are there, before what they hold; nobody owns anything.
func TestPack(t *testing.T) {
	at := time.Unix(1_700_000_000, 0)
	files := []file{{"b/two", 0o644, []byte("2")}, {"a", 0o755, []byte("one")}, {"b/c/three", 0o644, nil}}
	first, err := pack("top", at, slices.Clone(files))
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(files)
	second, err := pack("top", at, files)
	if err != nil || !bytes.Equal(first, second) {
		t.Errorf("the order of files shows: %v", err)
	}
	zip, err := gzip.NewReader(bytes.NewReader(first))
	if err != nil {
		t.Fatal(err)
	}
	if zip.Name != "" || !zip.ModTime.IsZero() {
		t.Errorf("gzip says %+v", zip.Header)
	}
	var got []string
	for archive := tar.NewReader(zip); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if !h.ModTime.Equal(at) || h.Uid != 0 || h.Gid != 0 || h.Uname != "" || h.Gname != "" {
			t.Errorf("%+v", h)
		}
		got = append(got, fmt.Sprintf("%s %o %d", h.Name, h.Mode, h.Size))
	}
	if want := []string{"top/ 755 0", "top/a 755 3", "top/b/ 755 0", "top/b/c/ 755 0", "top/b/c/three 644 0", "top/b/two 644 1"}; !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// A module whose license is not there is not given away.
func TestMissingLicense(t *testing.T) {
	var b bytes.Buffer
	if err := appendLicense(&b, "example.com/m v1", t.TempDir()); err == nil || !strings.Contains(err.Error(), "example.com/m v1") {
		t.Errorf("%v, %q", err, b.String())
	}
}
