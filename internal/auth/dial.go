package auth

import (
	"errors"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// never are addresses that no key set comes from: unspecified, link-local (the metadata services of clouds), multicast, and those that
// wrap others (IPv4 in IPv6 by translation).
var never = prefixes("0.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3", "::/128", "fe80::/10", "ff00::/8", "64:ff9b::/32", "2002::/16", "2001::/32", "fd00:ec2::/32")

// private are those of internal networks (RFC 6890).
var private = prefixes("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.0.0.0/24", "192.168.0.0/16", "198.18.0.0/15", "::1/128", "fc00::/7")

var errAddress = errors.New("auth: the address is not allowed")

func prefixes(texts ...string) (list []netip.Prefix) {
	for _, t := range texts {
		list = append(list, netip.MustParsePrefix(t))
	}
	return list
}

// allowed tells whether an address may be dialled.
func allowed(addr netip.Addr, allowPrivate bool) bool {
	addr = addr.Unmap().WithZone("")
	within := func(list []netip.Prefix) bool {
		for _, p := range list {
			if p.Contains(addr) {
				return true
			}
		}
		return false
	}
	return addr.IsValid() && !within(never) && (allowPrivate || !within(private))
}

// guardedDialer checks each address when it is dialled, so that neither a name's second answer nor an odd way to write a number gets
// around it.
func guardedDialer(timeout time.Duration, allowPrivate bool) *net.Dialer {
	return &net.Dialer{Timeout: timeout, Control: func(_, address string, _ syscall.RawConn) error {
		addr, err := netip.ParseAddrPort(address)
		if err != nil || !allowed(addr.Addr(), allowPrivate) {
			return errAddress
		}
		return nil
	}}
}
