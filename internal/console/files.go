package console

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"io/fs"
	"iter"
	"mime"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	jsclient "github.com/wsedge/wsedge/clients/js"
)

//go:embed web
var web embed.FS

// page is the file at /.
const page = "index.html"

// files are the page's, by their paths, and the project's own client, which the page watches channels with.
func files() iter.Seq2[string, http.Handler] {
	return func(yield func(string, http.Handler) bool) {
		entries, _ := fs.ReadDir(web, "web") // embedded
		for _, entry := range entries {
			content, _ := fs.ReadFile(web, "web/"+entry.Name())
			where := "/console/" + entry.Name()
			if entry.Name() == page {
				where = "/{$}"
			}
			if !yield(where, newFile(entry.Name(), content)) {
				return
			}
		}
		yield("/console/wsedge.js", jsclient.Script())
	}
}

// file is one that does not change while the process lives.
type file struct {
	kind        string // its media type
	plain, gzip []byte
	tag         string
}

func newFile(name string, content []byte) *file {
	var packed bytes.Buffer
	w, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression) // the level is a good one
	_, _ = w.Write(content)                                    // a buffer takes everything
	_ = w.Close()
	sum := sha256.Sum256(content)
	kind := mime.TypeByExtension(path.Ext(name))
	if path.Ext(name) == ".js" {
		kind = "text/javascript; charset=utf-8" // the system's table may know better, and be wrong
	}
	return &file{kind: kind, plain: content, gzip: packed.Bytes(), tag: base64.RawURLEncoding.EncodeToString(sum[:12])}
}

// ServeHTTP answers with the file. Browsers ask each time whether it is still the same, so that page and server are of one version.
func (f *file) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	content, tag := f.plain, f.tag
	h := w.Header()
	if takesGzip(r.Header) {
		content, tag = f.gzip, f.tag+"-gzip" // each representation has its own (RFC 9110, section 8.8.3)
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("Content-Type", f.kind)
	h.Set("Cache-Control", "no-cache")
	h.Set("Vary", "Accept-Encoding")
	h.Set("ETag", `"`+tag+`"`)
	h.Set("Content-Security-Policy", policy(r.Host))
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}

// takesGzip is for browsers, which name it without a weight; anybody else gets the file as it is.
func takesGzip(h http.Header) bool {
	codings := strings.Split(strings.Join(h.Values("Accept-Encoding"), ","), ",")
	return slices.ContainsFunc(codings, func(coding string) bool { return strings.TrimSpace(coding) == "gzip" })
}

// policy is the page's Content-Security-Policy: its own files, its own server, and nothing else, no inline script or style either.
func policy(host string) string {
	return "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'" + socketSource(host) +
		"; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
}

// socketSource allows WebSockets to the page's own host, which not every browser counts as 'self'. A host that could end
// the directive is left out.
func socketSource(host string) string {
	for _, c := range host {
		if !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-:[]", c) {
			return ""
		}
	}
	if host == "" {
		return ""
	}
	return " ws://" + host + " wss://" + host
}
