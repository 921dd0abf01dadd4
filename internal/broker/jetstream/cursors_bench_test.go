package jetstream

import (
	"fmt"
	"testing"

	"github.com/wsedge/wsedge/internal/broker"
)

// BenchmarkCursors is a user who comes, acknowledges and goes, with the write: users=… at a time.
func BenchmarkCursors(b *testing.B) {
	for _, users := range []int{1, 64} {
		b.Run(fmt.Sprint("users=", users), func(b *testing.B) {
			e := connect(b, natsServer(b), Config{Prefix: fmt.Sprint("cursors", users)})
			log := e.Open("news", broker.Retention{Size: 100, Cursors: 10}, newJournal(b))
			defer log.Close()
			done := make(chan struct{}, users)
			visit := func(user string) {
				log.Recover(broker.RecoverQuery{User: user, MaxBytes: 1000}, func(past broker.Past, err error) {
					if err != nil {
						b.Error(err)
					} else if hold, _ := log.Hold(user, broker.StartOf(nil, &past)); hold != nil {
						hold.Release()
					}
					done <- struct{}{}
				})
			}
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				if n++; n > users {
					<-done
				}
				visit(fmt.Sprint("user", n))
			}
			e.cursors.flush()
			for range min(n, users) {
				<-done
			}
			b.ReportMetric(float64(e.RemoteStats().CursorWrites)/float64(b.N), "writes/op")
		})
	}
}
