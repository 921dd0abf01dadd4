package hub

import (
	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/reactor"
)

// unheard is what the engine is told of a publication without subscribers.
func unheard(p *broker.Publication) (d broker.Delivered) {
	if p.Receipt {
		d.Receipt = broker.Settled{}
	}
	return d
}

// delivered is what it is told of one that is on its way. It hears of a receipt that it has asked for.
func delivered(p *broker.Publication, matched int, receipt *reactor.Receipt) broker.Delivered {
	d := broker.Delivered{Matched: matched}
	if p.Receipt {
		d.Receipt = receipt
	}
	return d
}
