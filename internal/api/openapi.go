package api

import (
	_ "embed"
	"net/http"
)

// openAPI is the description of everything below /api/, for programs (OpenAPI 3.1).
//
//go:embed openapi.yaml
var openAPI []byte

// serveOpenAPI needs no key: it holds nothing but what the documentation says.
func serveOpenAPI(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/yaml")
	_, _ = w.Write(openAPI)
}
