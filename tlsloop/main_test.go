package tlsloop

import (
	"testing"

	"github.com/wsedge/wsedge/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Run(m, func() {}) }
