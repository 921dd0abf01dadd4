package webhook

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/wsedge/wsedge/internal/leaktest"
)

func TestMain(m *testing.M) {
	leaktest.Run(m, func() {
		s := httptest.NewServer(http.NotFoundHandler())
		defer s.Close()
		if answer, err := s.Client().Get(s.URL); err == nil {
			_, _ = io.Copy(io.Discard, answer.Body)
			answer.Body.Close()
		}
	})
}
