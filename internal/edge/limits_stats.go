package edge

import (
	"github.com/wsedge/wsedge/internal/api"
	"github.com/wsedge/wsedge/internal/metrics"
)

// api are the limits that the API is held to.
func (m *limiter) api() api.Limits {
	return api.Limits{Requests: func() int { return m.limits().APIRequests }, Refused: m.refusals.Count}
}

// stats are what the limits have counted.
func (m *limiter) stats() metrics.Limits {
	return metrics.Limits{
		Refused: m.refusals.ByReason(), Addresses: int64(m.addresses.Keys()), Users: int64(m.users.Keys()),
		Crowded: m.accepts.Crowded() + m.userMessages.Crowded(),
	}
}
