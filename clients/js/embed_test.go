package jsclient

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

// maxPacked is what a page pays for the client, comments included.
const maxPacked = 8 << 10

func get(t *testing.T, h http.Handler, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest("GET", "/", nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestScriptIsSmall(t *testing.T) {
	w := get(t, Script(), "Accept-Encoding", "gzip")
	if n := w.Body.Len(); n > maxPacked {
		t.Errorf("%d bytes, want at most %d", n, maxPacked)
	} else {
		t.Logf("%d bytes gzipped, %d plain", n, len(script))
	}
	unpacked, err := gzip.NewReader(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(unpacked); err != nil || !bytes.Equal(got, script) {
		t.Errorf("unpacked it is another, %v", err)
	}
}

func TestHeaders(t *testing.T) {
	for _, c := range []struct {
		name, contentType string
		handler           http.Handler
		content           []byte
	}{{"script", "text/javascript; charset=utf-8", Script(), script}, {"types", "text/plain; charset=utf-8", Types(), types}} {
		w := get(t, c.handler)
		h := w.Header()
		if w.Code != 200 || !bytes.Equal(w.Body.Bytes(), c.content) || h.Get("Content-Type") != c.contentType || h.Get("Content-Encoding") != "" {
			t.Errorf("%s: %d, %v", c.name, w.Code, h)
		}
		if h.Get("Access-Control-Allow-Origin") != "*" || h.Get("Cross-Origin-Resource-Policy") != "cross-origin" || h.Get("Cache-Control") != "public, no-cache" {
			t.Errorf("%s: %v", c.name, h)
		}
	}
}

func TestGzipIsForThoseWhoAskForIt(t *testing.T) {
	for accept, want := range map[string]string{
		"": "", "gzip": "gzip", "br, GZIP;q=0.5": "gzip", "gzip;q=0": "", "gzip; q=0.0, br": "", "*": "", "deflate": "", "gzip;q=x": "",
	} {
		w := get(t, Script(), "Accept-Encoding", accept)
		if got := w.Header().Get("Content-Encoding"); got != want || w.Header().Get("Vary") != "Accept-Encoding" {
			t.Errorf("Accept-Encoding %q: %q, want %q", accept, got, want)
		}
	}
}

func TestWhoHasItIsToldSo(t *testing.T) {
	tags := make(map[string]bool)
	for _, accept := range []string{"", "gzip"} {
		etag := get(t, Script(), "Accept-Encoding", accept).Header().Get("ETag")
		tags[etag] = true
		w := get(t, Script(), "Accept-Encoding", accept, "If-None-Match", `"other", W/`+etag)
		if w.Code != http.StatusNotModified || w.Body.Len() > 0 || w.Header().Get("ETag") != etag || w.Header().Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("Accept-Encoding %q: %d with %d bytes, %v", accept, w.Code, w.Body.Len(), w.Header())
		}
		if w := get(t, Script(), "Accept-Encoding", accept, "If-None-Match", `"other"`); w.Code != 200 {
			t.Errorf("another: %d", w.Code)
		}
	}
	if len(tags) != 2 {
		t.Errorf("tags %v: want one for each encoding", tags)
	}
}

// What npm packs is what is served, and nothing comes along.
func TestPackage(t *testing.T) {
	text, err := os.ReadFile("package.json")
	if err != nil {
		t.Fatal(err)
	}
	var p struct {
		Name, Main, Types string
		Private           bool
		Files             []string
		Dependencies      map[string]string
	}
	if err := json.Unmarshal(text, &p); err != nil {
		t.Fatal(err)
	}
	if p.Name != "wsedge" || !p.Private || p.Main != "./wsedge.js" || p.Types != "./wsedge.d.ts" || len(p.Dependencies) > 0 ||
		strings.Join(p.Files, " ") != "wsedge.js wsedge.d.ts" {
		t.Errorf("package.json: %+v", p)
	}
	if bytes.Contains(script, []byte("import ")) {
		t.Error("wsedge.js imports something")
	}
}
