package main

import (
	"flag"
	"os"

	"github.com/wsedge/wsedge/loadtest"
)

// addTransport is about what lies below and above the frames: TLS and compression.
func (o *options) addTransport(set *flag.FlagSet) {
	t := &o.config.TLS
	set.BoolVar(&t.Insecure, "insecure", false, "wss: take any certificate; whoever is in the way can read and change everything")
	set.StringVar(&t.ServerName, "server-name", "", "wss: `NAME` that the certificate has to be for (default: the URL's host)")
	set.StringVar(&t.Version, "tls-version", "", "wss: `VERSION`, 1.2 or 1.3, for that one alone")
	set.BoolVar(&t.Resume, "resume", false, "wss: take up sessions of earlier connections; else all handshakes are full ones")
	set.BoolVar(&t.Standard, "tls-standard", false, "wss: leave records to Go's crypto/tls: more memory and CPU, no code of this project's")
	set.Func("ca", "wss: `FILE` with the authorities' certificates (PEM), in place of the system's", intoBytes(&t.CA))
	set.Func("cert", "wss: `FILE` with a certificate of the client's (PEM)", intoBytes(&t.Cert))
	set.Func("key", "wss: `FILE` with its key (PEM)", intoBytes(&t.Key))
	set.Var((*deflateFlag)(&o.config.Deflate), "deflate",
		"offer permessage-deflate, each message alone; --deflate=takeover: messages may refer to earlier ones, for up to 32 KiB a connection")
}

// intoBytes reads a file as soon as it is named.
func intoBytes(into *[]byte) func(string) error {
	return func(name string) (err error) {
		*into, err = os.ReadFile(name)
		return err
	}
}

// deflateFlag may stand without a value.
type deflateFlag loadtest.Deflate

func (d *deflateFlag) IsBoolFlag() bool { return true }

func (d *deflateFlag) String() string {
	if d == nil {
		return ""
	}
	return string(*d)
}

func (d *deflateFlag) Set(text string) error {
	parsed, err := loadtest.ParseDeflate(text)
	*d = deflateFlag(parsed)
	return err
}
