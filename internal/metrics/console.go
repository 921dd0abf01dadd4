package metrics

// AppendConsole appends the attempts to log in to the console, by what became of them.
func AppendConsole(dst []byte, logins map[string]int64) []byte {
	e := exposition{dst}
	e.byReason("wsedge_console_logins_total", "Attempts to log in to the console, by what became of them.", logins)
	return e.text
}
