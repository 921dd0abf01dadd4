package jsclient

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
)

//go:embed wsedge.js
var script []byte

//go:embed wsedge.d.ts
var types []byte

// Script is the handler of GET /wsedge.js, a JavaScript module.
func Script() http.Handler { return newFile(script, "text/javascript; charset=utf-8") }

// Types is the handler of GET /wsedge.d.ts, the module's types.
func Types() http.Handler { return newFile(types, "text/plain; charset=utf-8") }

// file is one that does not change while the process lives.
type file struct {
	contentType  string
	plain, gzip  []byte
	etag, packed string // of plain and of gzip: each representation has its own (RFC 9110, section 8.8.3)
}

func newFile(content []byte, contentType string) *file {
	var packed bytes.Buffer
	w, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression) // the level is a good one
	_, _ = w.Write(content)                                    // a buffer takes everything
	_ = w.Close()
	sum := sha256.Sum256(content)
	tag := base64.RawURLEncoding.EncodeToString(sum[:12])
	return &file{contentType: contentType, plain: content, gzip: packed.Bytes(), etag: `"` + tag + `"`, packed: `"` + tag + `-gzip"`}
}

// ServeHTTP answers with the file. Pages of any origin may have it, as it holds nothing that is not public: whom the server lets connect is
// decided when they do. Caches ask each time whether it is still the same, so that client and server are of one version.
func (f *file) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	content, etag := f.plain, f.etag
	h := w.Header()
	if acceptsGzip(r.Header.Values("Accept-Encoding")) {
		content, etag = f.gzip, f.packed
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("Vary", "Accept-Encoding")
	h.Set("ETag", etag)
	h.Set("Cache-Control", "public, no-cache")
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	if strings.Contains(r.Header.Get("If-None-Match"), etag) {
		h.Del("Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", f.contentType)
	h.Set("Content-Length", strconv.Itoa(len(content)))
	_, _ = w.Write(content) // net/http leaves a body out where HEAD was asked
}

// acceptsGzip tells whether a client takes gzip (RFC 9110, section 12.5.3). "*" is no yes here: who means it writes it.
func acceptsGzip(values []string) bool {
	for value := range strings.SplitSeq(strings.Join(values, ","), ",") {
		coding, weight, _ := strings.Cut(strings.ReplaceAll(value, " ", ""), ";")
		if strings.EqualFold(coding, "gzip") {
			quality, err := strconv.ParseFloat(strings.TrimPrefix(strings.ToLower(weight), "q="), 64)
			return weight == "" || err == nil && quality > 0
		}
	}
	return false
}
