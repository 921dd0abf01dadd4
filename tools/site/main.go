// Site makes static pages of the documentation: HTML and one style sheet, no script, to be read from a disk as well as from a server.
//
// The pages are those of docs/, its decisions, the client's and the project's own; docs/README.md is the first, and its tables are the
// navigation. Links between pages stay links between pages; links to other files of the repository lead to where it is published.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	root := flag.String("root", ".", "the repository's `directory`")
	out := flag.String("out", "dist/site", "`directory` to write to, which is emptied")
	flag.Parse()
	n, err := build(*root, *out)
	if err != nil {
		fmt.Fprintln(os.Stderr, "site:", err)
		os.Exit(1)
	}
	fmt.Printf("%d pages in %s: open %s/index.html\n", n, *out, *out)
}
