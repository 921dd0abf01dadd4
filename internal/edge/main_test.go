package edge

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"testing"

	"github.com/wsedge/wsedge/internal/leaktest"
)

func TestMain(m *testing.M) {
	leaktest.Run(m, func() {
		s, err := Listen(Config{Addr: "127.0.0.1:0", Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
		if err != nil {
			panic(err)
		}
		if response, err := http.Get("http://" + s.Addr().String() + "/healthz"); err == nil {
			response.Body.Close()
		}
		http.DefaultClient.CloseIdleConnections()
		if err := s.Shutdown(context.Background()); err != nil {
			panic(err)
		}
	})
}
