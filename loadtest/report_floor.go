package loadtest

// FloorReport is what the floor took for the same settings, right before and after the run: see package floor.
type FloorReport struct {
	Threads   int `json:"threads"` // of each process
	Processes int `json:"processes"`
	// Runs are all of them in order, the floor's and the server's in turns, beginning and ending with the floor's.
	Runs []FloorRun `json:"runs"`
	// Mean is that of the floor's runs.
	Mean FloorFigures `json:"mean"`
	// Problems make the comparison doubtful: runs that failed, or had the generator as their bottleneck.
	Problems []string `json:"problems"`
}

// FloorRun is one of them.
type FloorRun struct {
	Floor   bool         `json:"floor"` // the floor's; otherwise the server's
	Run     string       `json:"run"`   // as in the stamps
	Figures FloorFigures `json:"figures"`
}

// FloorFigures are those that are compared. What was not measured is left out.
type FloorFigures struct {
	CPUPerDelivery   *float64 `json:"cpu_us_per_delivery,omitempty"`
	CPUPerConnSecond *float64 `json:"cpu_us_per_conn_second,omitempty"` // Idle
	P50              *float64 `json:"p50_us,omitempty"`
	P99              *float64 `json:"p99_us,omitempty"`
	CompletionP99    *float64 `json:"completion_p99_us,omitempty"`
	RSSPerConn       *float64 `json:"rss_bytes_per_conn,omitempty"`
	SetupCPUPerConn  *float64 `json:"setup_cpu_us_per_conn,omitempty"`
}

// Ratios are the server's figures over the mean of the floor's before and after it; of several rounds, the median. Those of
// CPU time and memory need the server's PID or metrics.
type Ratios struct {
	CPUPerDelivery   *float64 `json:"cpu_per_delivery,omitempty"`
	CPUPerConnSecond *float64 `json:"cpu_per_conn_second,omitempty"` // Idle
	P50              *float64 `json:"p50,omitempty"`
	P99              *float64 `json:"p99,omitempty"`
	CompletionP99    *float64 `json:"completion_p99,omitempty"`
	RSSPerConn       *float64 `json:"rss_per_conn,omitempty"`
	SetupCPUPerConn  *float64 `json:"setup_cpu_per_conn,omitempty"`
}
