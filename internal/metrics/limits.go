package metrics

// Limits are what the limits of the push server have counted.
type Limits struct {
	Refused          map[string]int64 // by reason
	Addresses, Users int64            // that have connections, where these are counted
	Crowded          int64            // times that a rate was shared because the table of rates was full
}

// AppendLimits appends it.
func AppendLimits(dst []byte, l Limits) []byte {
	e := exposition{dst}
	e.byReason("wsedge_limited_total", "Commands and API requests refused because of a limit, and clients closed for going on.", l.Refused)
	e.one("wsedge_limited_addresses", "gauge", "Addresses with connections, where these are limited.", l.Addresses)
	e.one("wsedge_limited_users", "gauge", "Users with connections, where these are limited.", l.Users)
	e.one("wsedge_limit_table_full_total", "counter", "Times that a rate had to be shared because too many were in use.", l.Crowded)
	return e.text
}
