package loadtest

// Server is what the server used: its processes, by their PIDs, or, without, what its metrics say of them. Memory is theirs
// alone, slab memory of the whole machine: where the generator runs beside the server, both ends of each connection are in it.
// What was not read is left out where it can be, and 0 otherwise.
type Server struct {
	PID              int     `json:"pid"`            // the first one
	PIDs             []int   `json:"pids,omitempty"` // summed in what follows
	Source           string  `json:"server_source"`  // of CPU time and memory: "process" or "metrics"
	CPUSecs          float64 `json:"server_cpu_s"`   // from the window's first message to the last one's arrival
	UserSecs         float64 `json:"server_user_s"`
	SystemSecs       float64 `json:"server_system_s"`
	WindowSecs       float64 `json:"server_window_s"`
	CPUPerDelivery   float64 `json:"server_cpu_us_per_delivery"`
	SetupCPUPerConn  float64 `json:"server_setup_cpu_us_per_conn"`
	CPUPerConnSecond float64 `json:"server_cpu_us_per_conn_second"`
	RSSBefore        int64   `json:"server_rss_before_bytes"`
	RSSSettled       int64   `json:"server_rss_settled_bytes"`
	RSSAfter         int64   `json:"server_rss_after_bytes"`
	RSSPerConn       float64 `json:"server_rss_bytes_per_conn"`
	SlabPerConn      float64 `json:"slab_bytes_per_conn"`
	Problem          string  `json:"problem,omitempty"` // why there are no figures

	// DeliveriesPerCPUSecond is how many deliveries a second of CPU time was good for.
	DeliveriesPerCPUSecond *float64 `json:"server_deliveries_per_cpu_second,omitempty"`
	// PSS counts each page that processes share in equal parts (smaps_rollup), so that the sum over processes is right.
	PSSBefore  *float64 `json:"server_pss_before_bytes,omitempty"`
	PSSSettled *float64 `json:"server_pss_settled_bytes,omitempty"`
	PSSPerConn *float64 `json:"server_pss_bytes_per_conn,omitempty"`
	// Threads at the end of the window.
	Threads *float64 `json:"server_threads,omitempty"`
	// Switches are context switches in the window: voluntary ones, waiting for something, and those that were forced. Of
	// threads that ended within it they are not counted.
	VoluntarySwitches   *float64 `json:"server_voluntary_switches,omitempty"`
	InvoluntarySwitches *float64 `json:"server_involuntary_switches,omitempty"`

	// Go is the server's runtime, by its metrics.
	Go *GoRuntime `json:"go,omitempty"`
	// MetricsProblem is the first scrape that failed. What it would have said is missing.
	MetricsProblem string `json:"metrics_problem,omitempty"`
}

// GoRuntime is what the metrics of a Go server say. What they do not is left out. Counts and pauses are of the window;
// settled is with all connections, before the first message.
type GoRuntime struct {
	HeapInuseSettled     *float64 `json:"heap_inuse_settled_bytes,omitempty"`
	HeapInuseAfter       *float64 `json:"heap_inuse_after_bytes,omitempty"`
	HeapAllocSettled     *float64 `json:"heap_alloc_settled_bytes,omitempty"`
	HeapPerConn          *float64 `json:"heap_bytes_per_conn,omitempty"`
	Goroutines           *float64 `json:"goroutines,omitempty"`
	GoroutinesPerConn    *float64 `json:"goroutines_per_conn,omitempty"`
	GCs                  *float64 `json:"gc_cycles,omitempty"`
	GCPause              *float64 `json:"gc_pause_s,omitempty"`
	AllocatedPerDelivery *float64 `json:"allocated_bytes_per_delivery,omitempty"`
}
