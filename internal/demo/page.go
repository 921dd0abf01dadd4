package demo

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"net/http"
	"strings"
)

//go:embed index.html
var page string

// Handler serves the page.
//
// Its script imports /wsedge.js, which 'self' lets it.
func Handler() http.Handler {
	style, script := source("<style>", "</style>"), source(`<script type="module">`, "</script>")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Cache-Control", "no-cache")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src "+style+"; script-src 'self' "+script+
			"; connect-src 'self'"+socketSource(r.Host)+"; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		_, _ = w.Write([]byte(page))
	})
}

// source is the content of the one element between its tags, as the policy names it: by its hash (Content Security Policy Level 3, section 2.3.1).
func source(opening, closing string) string {
	_, after, _ := strings.Cut(page, opening)
	content, _, _ := strings.Cut(after, closing)
	sum := sha256.Sum256([]byte(content))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
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
