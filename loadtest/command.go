package loadtest

import (
	"slices"
	"strings"
)

// withoutSecrets is a command line that may be shown to others: of a header only the name is left, because its value may be a
// key.
func withoutSecrets(args []string) []string {
	args = slices.Clone(args)
	for i, arg := range args {
		name := strings.TrimLeft(arg, "-")
		switch {
		case name == arg:
		case name == "header" && i+1 < len(args):
			args[i+1] = headerName(args[i+1])
		case strings.HasPrefix(name, "header="):
			args[i] = arg[:strings.IndexByte(arg, '=')+1] + headerName(arg[strings.IndexByte(arg, '=')+1:])
		}
	}
	return args
}

func headerName(line string) string {
	name, _, _ := strings.Cut(line, ":")
	return name + ": …"
}
