package tlsloop

import (
	"net"
	"testing"

	"github.com/wsedge/wsedge/internal/leaktest"
)

func TestMain(m *testing.M) {
	leaktest.Run(m, func() {
		ln, err := net.Listen("tcp", "127.0.0.1:0") // the runtime's poller keeps two descriptors
		if err != nil {
			panic(err)
		}
		ln.Close()
	})
}
