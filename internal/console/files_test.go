package console

import (
	"bytes"
	"compress/gzip"
	"io"
	"io/fs"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

// maxPageBytes is what the first paint may take over the wire, all files together.
const maxPageBytes = 60 << 10

func TestFiles(t *testing.T) {
	sum := 0
	for path, f := range files() {
		w := httptest.NewRecorder()
		r := httptest.NewRequest("GET", "http://localhost:1"+path, nil)
		r.Header.Set("Accept-Encoding", "gzip, deflate, br")
		f.ServeHTTP(w, r)
		sum += w.Body.Len()
		if w.Code != 200 || w.Header().Get("Content-Encoding") != "gzip" || w.Header().Get("Vary") != "Accept-Encoding" || w.Header().Get("ETag") == "" {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
		unpacked, err := gzip.NewReader(w.Body)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(unpacked)
		if err != nil {
			t.Fatal(err)
		}
		again := httptest.NewRecorder()
		r.Header.Set("If-None-Match", w.Header().Get("ETag"))
		if f.ServeHTTP(again, r); again.Code != 304 || again.Body.Len() != 0 {
			t.Errorf("%s again: %d", path, again.Code)
		}
		plain := httptest.NewRecorder()
		if f.ServeHTTP(plain, httptest.NewRequest("GET", "http://localhost:1"+path, nil)); !bytes.Equal(plain.Body.Bytes(), text) || plain.Header().Get("Content-Encoding") != "" {
			t.Errorf("%s without gzip: %d bytes, with it %d", path, plain.Body.Len(), len(text))
		}
	}
	t.Logf("%d bytes, compressed", sum)
	if sum > maxPageBytes {
		t.Errorf("%d bytes, compressed; want at most %d", sum, maxPageBytes)
	}
}

// All that the page names is there, is preloaded, and is allowed by its policy.
func TestPageIsSelfContained(t *testing.T) {
	known := make(map[string]bool)
	for path := range files() {
		known[path] = true
	}
	html, _ := fs.ReadFile(web, "web/"+page)
	entries, _ := fs.ReadDir(web, "web")
	for _, entry := range entries {
		text, _ := fs.ReadFile(web, "web/"+entry.Name())
		for _, pattern := range []string{`(src|href)="(https?:)?//`, `@import`, `\burl\(`, ` on[a-z]+="`, ` style="`, `<style`, `<script>`, `\beval\(`, `innerHTML`, `new Function`} {
			if found := regexp.MustCompile(pattern).Find(text); found != nil {
				t.Errorf("%s: %q is not allowed by the page's own policy", entry.Name(), found)
			}
		}
		for _, m := range regexp.MustCompile(`(?:from "\./|(?:src|href)="/console/)([^"]+)"`).FindAllSubmatch(text, -1) {
			name := string(m[1])
			if !known["/console/"+name] {
				t.Errorf("%s names %s, which is not there", entry.Name(), name)
			}
			if !bytes.Contains(html, []byte(`"/console/`+name+`"`)) {
				t.Errorf("%s is imported by %s, and not preloaded", name, entry.Name())
			}
		}
	}
}

func TestPolicy(t *testing.T) {
	for host, want := range map[string]string{
		"localhost:8080":         "connect-src 'self' ws://localhost:8080 wss://localhost:8080;",
		"[::1]:8080":             "connect-src 'self' ws://[::1]:8080 wss://[::1]:8080;",
		"a; script-src *; x-src": "connect-src 'self';",
		"":                       "connect-src 'self';",
	} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest("GET", "http://localhost/", nil)
		r.Host = host
		newFile(page, []byte("x")).ServeHTTP(w, r)
		policy := w.Header().Get("Content-Security-Policy")
		if !strings.Contains(policy, want) || strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") || !strings.HasPrefix(policy, "default-src 'none'; script-src 'self';") {
			t.Errorf("Host %q: policy %q", host, policy)
		}
	}
}
