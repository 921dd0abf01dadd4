package jetstream

import (
	"fmt"
	"sync"
	"testing"

	"github.com/wsedge/wsedge/internal/broker"
)

// BenchmarkPublish publishes through a server in the process, with files, to a subscriber on the same node.
func BenchmarkPublish(b *testing.B) {
	for _, under := range []int{1, 256} {
		b.Run(fmt.Sprintf("under_way=%d/payload=128B", under), func(b *testing.B) {
			s := natsServer(b)
			e := connect(b, s, Config{})
			log := e.Open("news", broker.Retention{Size: 100}, discard{})
			defer log.Close()
			known := make(chan struct{})
			log.Position(func(broker.Position, error) { close(known) })
			<-known
			b.ReportAllocs()
			publishAll(b, log, under)
		})
	}
}

// publishAll publishes b.N times 128 bytes, so many at a time, and returns when all have been answered.
func publishAll(b *testing.B, log broker.Log, under int) {
	data := make([]byte, 128)
	slots := make(chan struct{}, under)
	var group sync.WaitGroup
	for b.Loop() {
		slots <- struct{}{}
		group.Add(1)
		_, err := log.Publish(&broker.Publication{Data: data}, func(_ broker.Result, err error) {
			if err != nil {
				b.Error(err)
			}
			<-slots
			group.Done()
		})
		if err != broker.ErrPending {
			b.Fatal(err)
		}
	}
	group.Wait()
}

// discard is a Sink without subscribers.
type discard struct{}

func (discard) Deliver(*broker.Publication, uint64, uint64) (broker.Delivered, error) {
	return broker.Delivered{}, nil
}
func (discard) Gap(uint64, uint64) error { return nil }
