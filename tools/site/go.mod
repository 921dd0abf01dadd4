// The pages of docs/ as a site. A module of its own, so that no user of wsedge requires a Markdown parser.
module github.com/wsedge/wsedge/tools/site

go 1.26.0

require github.com/yuin/goldmark v1.8.7
