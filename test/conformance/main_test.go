package conformance

import (
	"context"
	"io"
	"log/slog"
	"testing"

	"github.com/wsedge/wsedge/internal/echo"
	"github.com/wsedge/wsedge/internal/leaktest"
)

func TestMain(m *testing.M) {
	leaktest.Run(m, func() {
		s, err := echo.Listen(echo.Config{Addr: "127.0.0.1:0", Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
		if err != nil {
			panic(err)
		}
		if c, err := open(Target{Address: s.Addr().String(), Path: "/"}, AsIs, ""); err == nil {
			c.close()
		}
		if err := s.Shutdown(context.Background()); err != nil {
			panic(err)
		}
	})
}
