package tlsloop

import (
	"flag"
	"net"
	"os"
	"testing"

	"github.com/wsedge/wsedge/internal/leaktest"
)

func TestMain(m *testing.M) {
	flag.Parse()
	if f := flag.Lookup("test.fuzz"); f.Value.String() != "" {
		os.Exit(m.Run()) // the fuzzer keeps goroutines of its own
	}
	leaktest.Run(m, func() {
		ln, err := net.Listen("tcp", "127.0.0.1:0") // the runtime's poller keeps two descriptors
		if err != nil {
			panic(err)
		}
		ln.Close()
	})
}
