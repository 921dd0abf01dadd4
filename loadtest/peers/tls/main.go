package main

import (
	"fmt"
	"log"
	"os"
)

var commands = map[string]func(args []string) error{
	"serve": serve, "idle": idle, "hold": hold, "stall": stall, "churn": churn, "fanout": fanout, "echo": echo, "flood": flood,
}

func main() {
	log.SetFlags(0)
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: tls serve|idle|stall|churn|fanout|echo|flood [flags]; -h for the flags of each")
		os.Exit(2)
	}
	if err := commands[os.Args[1]](os.Args[2:]); err != nil {
		log.Fatalf("tls %s: %v", os.Args[1], err)
	}
}
