package metrics

import "github.com/wsedge/wsedge/internal/auth"

// AppendAccess appends what was refused for want of a permission, and by authentication where there is any (stats not nil).
func AppendAccess(dst []byte, denied map[string]int64, stats *auth.Stats, api map[string]int64) []byte {
	e := exposition{dst}
	e.byReason("wsedge_permission_denied_total", "Commands and raw handshakes denied, by what was wanted.", denied)
	if stats == nil {
		return e.text
	}
	e.byReason("wsedge_tokens_rejected_total", "Tokens refused.", stats.Rejected)
	e.byReason("wsedge_api_refused_total", "Requests to the API refused for their key.", api)
	e.one("wsedge_revocations", "gauge", "Revocations remembered.", stats.Revocations)
	e.one("wsedge_jwks_fetches_total", "counter", "Fetches of the issuer's keys.", stats.KeyFetches)
	e.one("wsedge_jwks_failures_total", "counter", "Fetches of the issuer's keys that failed.", stats.KeyFailures)
	return e.text
}
