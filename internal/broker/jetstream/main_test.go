package jetstream

import (
	"os"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/wsedge/wsedge/internal/leaktest"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		runChild(dir)
		return
	}
	leaktest.Run(m, func() {
		// What the server keeps for the life of the process.
		s, err := server.NewServer(&server.Options{JetStream: true, StoreDir: os.TempDir(), DontListen: true, NoSigs: true, NoLog: true})
		if err == nil {
			s.Start()
			s.ReadyForConnections(patience)
			stopNATS(s)
		}
	})
}
