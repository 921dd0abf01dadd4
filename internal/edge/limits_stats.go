package edge

import "github.com/wsedge/wsedge/internal/metrics"

// stats are what the limits have counted.
func (m *limiter) stats() metrics.Limits {
	return metrics.Limits{
		Refused: m.refusals.ByReason(), Addresses: int64(m.addresses.Keys()), Users: int64(m.users.Keys()),
		Crowded: m.accepts.Crowded() + m.userMessages.Crowded() + m.apiKeys.Crowded() + m.wrongKeys.Crowded(),
	}
}
