package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// health is the command health: a probe for containers, in whose image there is nothing else that could ask.
func health(e *environment, args []string) int {
	flags := newFlags(e, "health",
		"health asks a running server whether it is well, and exits with 0 if it says so within the time, otherwise with 1. It is meant for a container's health check.",
		"wsedge health --probe http://127.0.0.1:8081/readyz")
	probe := flags.String("probe", "http://127.0.0.1:8081/healthz",
		"`URL` to ask: /healthz says whether the server runs, /readyz whether it takes new clients, too; or unix: and the path of a Unix socket, which is asked for /healthz")
	timeout := flags.Duration("timeout", 3*time.Second, "how long the answer may take")
	insecure := flags.Bool("insecure", false, "take any certificate: that of a server is for its public name, not for the address that it is asked at here")
	if err := parse(e, flags, args); err != nil {
		return exitStatus(err)
	}
	if *timeout <= 0 {
		return e.fail(errors.New("--timeout: more than 0"), exitUsage)
	}
	client, url := prober(*probe, *insecure)
	ctx, cancel := context.WithTimeout(context.Background(), *timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return e.fail(fmt.Errorf("--probe: %w", err), exitUsage)
	}
	response, err := client.Do(request)
	if err != nil {
		return e.fail(err, exitFailure)
	}
	defer response.Body.Close()
	const most = 256 // a word or two
	said, _ := io.ReadAll(io.LimitReader(response.Body, most))
	text := strings.TrimSpace(string(said))
	if response.StatusCode != http.StatusOK {
		return e.fail(fmt.Errorf("%s: %s: %q", *probe, response.Status, text), exitFailure)
	}
	fmt.Fprintln(e.stdout, text)
	return exitOK
}

// prober makes a client that follows no redirect and uses no proxy, and the URL to ask it for.
func prober(probe string, insecure bool) (*http.Client, string) {
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: insecure}}
	if path, ok := strings.CutPrefix(probe, "unix:"); ok {
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", path)
		}
		probe = "http://localhost/healthz"
	}
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, probe
}
