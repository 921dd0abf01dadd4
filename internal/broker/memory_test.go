package broker_test

import (
	"testing"

	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/broker/brokertest"
)

func TestMemoryKeepsTheContract(t *testing.T) {
	brokertest.Run(t, func(*testing.T) broker.Broker { return broker.Memory{} })
}
