package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"net"
	"strconv"

	"github.com/wsedge/wsedge/reactor"
)

// addListening declares --addr and --socket-mode.
func addListening(flags *flag.FlagSet, addr *string, byDefault string, mode *fs.FileMode) {
	flags.StringVar(addr, "addr", byDefault,
		"`address` to listen on: host:port, where port 0 picks a free one, which the log tells; or unix: and the path of a Unix socket")
	flags.Func("socket-mode", "`mode` of a Unix socket's file, in octal: who may connect (default 0660)", func(s string) error {
		n, err := strconv.ParseUint(s, 8, 32)
		if err != nil || n == 0 || n > uint64(fs.ModePerm) {
			return errors.New("want permissions in octal, such as 0660")
		}
		*mode = fs.FileMode(n)
		return nil
	})
}

// addProxies declares --proxy-protocol and --trusted-proxies.
func addProxies(flags *flag.FlagSet, announcing, trusted *reactor.Peers) {
	flags.Func("proxy-protocol",
		"`peers` that must begin with a header of the PROXY protocol, version 2, which says whose address counts: networks, addresses, or unix for a Unix socket, with commas between",
		peers(announcing))
	flags.Func("trusted-proxies",
		"`peers` whose X-Forwarded-For and X-Forwarded-Proto are believed, in the same form", peers(trusted))
}

func peers(p *reactor.Peers) func(string) error {
	return func(list string) (err error) {
		*p, err = reactor.ParsePeers(list)
		return err
	}
}

// describeAddr writes an address as --addr takes it.
func describeAddr(addr net.Addr) string {
	if addr.Network() == "unix" {
		return "unix:" + addr.String()
	}
	return addr.String()
}

// place is what the log says of where a server listens. Browsers have no word for a Unix socket.
func place(addr net.Addr, scheme string) []any {
	if addr.Network() == "unix" {
		return []any{"addr", describeAddr(addr)}
	}
	return []any{"addr", describeAddr(addr), "url", fmt.Sprintf("%s://%s/", scheme, addr)}
}
