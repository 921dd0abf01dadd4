package main

import (
	"flag"
	"strings"
)

// flagsFirst moves the flags in front of the other arguments, so that they may stand on either side of the URL; package
// flag stops at the first argument that is none. Behind "--" nothing is a flag. A last flag without the value that it needs is
// left out, and returned by itself.
func flagsFirst(set *flag.FlagSet, args []string) (ordered []string, needy string) {
	var flags, rest []string
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			rest = append(rest, args[i+1:]...)
			break
		}
		if len(arg) < 2 || arg[0] != '-' {
			rest = append(rest, arg)
			continue
		}
		if !takesNext(set, arg) {
			flags = append(flags, arg)
			continue
		}
		if i++; i == len(args) {
			needy = arg
			break
		}
		flags = append(flags, arg, args[i])
	}
	return append(append(flags, "--"), rest...), needy
}

// takesNext says whether the value of a flag is the next argument.
func takesNext(set *flag.FlagSet, arg string) bool {
	name := strings.TrimPrefix(strings.TrimPrefix(arg, "-"), "-")
	if strings.Contains(name, "=") {
		return false
	}
	known := set.Lookup(name)
	return known != nil && !isBoolean(known)
}

// isBoolean says whether a flag may stand without a value.
func isBoolean(f *flag.Flag) bool {
	boolean, ok := f.Value.(interface{ IsBoolFlag() bool })
	return ok && boolean.IsBoolFlag()
}
