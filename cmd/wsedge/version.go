package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// printVersion is the command version.
func printVersion(e *environment, args []string) int {
	flags := newFlags(e, "version", "version says which version this is, and which Go it was built with.", "wsedge version")
	if err := parse(e, flags, args); err != nil {
		return exitStatus(err)
	}
	fmt.Fprintf(e.stdout, "wsedge %s %s %s/%s\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return exitOK
}

// release is the version where the build knows better than Go, which reads it from the repository: the Dockerfile sets it by -ldflags.
var release string

// version is the module's version, with the revision it was built from where that is known.
func version() string {
	if release != "" {
		return release
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return describe(info)
}

func describe(info *debug.BuildInfo) string {
	text := info.Main.Version
	if text == "" {
		text = "(devel)"
	}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	if revision := settings["vcs.revision"]; len(revision) >= 12 {
		text += " " + revision[:12]
		if settings["vcs.modified"] == "true" {
			text += " modified"
		}
	}
	return text
}
