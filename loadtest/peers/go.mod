module github.com/wsedge/wsedge/loadtest/peers

go 1.26
