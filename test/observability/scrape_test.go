package observability

import (
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/wsedge/wsedge/internal/auth"
	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/broker/embedded"
	"github.com/wsedge/wsedge/internal/broker/jetstream"
	"github.com/wsedge/wsedge/internal/edge"
	"github.com/wsedge/wsedge/internal/metrics"
	"github.com/wsedge/wsedge/internal/tlstest"
	"github.com/wsedge/wsedge/internal/tracing"
	"github.com/wsedge/wsedge/internal/webhook"
	"github.com/wsedge/wsedge/reactor"
)

// metric is what a scrape says of one.
type metric struct {
	name, kind, help string
	labels           []string // in the order of its first series, without le; nil where there is none yet
}

// everything is a server with all that has metrics of its own. Nobody is at the addresses that it is told.
func everything(t *testing.T) edge.Config {
	t.Helper()
	tracer, err := tracing.New(tracing.Config{URL: "http://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tracer.Close(context.Background()) })
	return edge.Config{
		Broker: engine(t),
		Addr:   "127.0.0.1:0", AdminAddr: "127.0.0.1:0", Version: "1", Logger: slog.New(slog.DiscardHandler), Limits: edge.StandardLimits(), Tracer: tracer,
		Auth: &auth.Config{APIKeys: []auth.APIKey{{Name: "backend", Secret: "the key of the backend", Scopes: []auth.Scope{auth.ScopeAll}}}},
		TLS:  &reactor.TLSOptions{Config: &tls.Config{Certificates: []tls.Certificate{tlstest.NewAuthority().Issue("localhost")}}},
		Webhooks: &webhook.Config{
			URL: "http://127.0.0.1:1", Events: webhook.Events{webhook.Connect}, Secret: []byte("0123456789abcdef"), AllowNets: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		},
		Certificates: func() []metrics.Certificate { return []metrics.Certificate{{Name: "localhost", NotAfter: time.Now()}} },
	}
}

// engine is one that other nodes could share.
func engine(t *testing.T) broker.Broker {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	server, err := embedded.Start(embedded.Config{Dir: t.TempDir(), Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	e, err := jetstream.Connect(jetstream.Config{Options: server.Options(), Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

// scrape reads the metrics of such a server, and those that a supervisor of workers has beside them.
func scrape(t *testing.T) (text string) {
	t.Helper()
	s, err := edge.Listen(everything(t))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		if err := s.Wait(); err != nil {
			t.Error(err)
		}
	}()
	response, err := http.Get("http://" + s.AdminAddr().String() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatal(response.Status, err)
	}
	return string(metrics.AppendWorkers(body, metrics.Workers{}))
}

var (
	series = regexp.MustCompile(`^([a-z_]+?)(_bucket|_sum|_count)?(\{.*\})? [^ ]+$`)
	label  = regexp.MustCompile(`([a-z_]+)="`)
)

// read takes a scrape apart, in its order.
func read(t *testing.T, text string) (all []*metric) {
	t.Helper()
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if about, ok := strings.CutPrefix(line, "# HELP "); ok {
			name, help, _ := strings.Cut(about, " ")
			all = append(all, &metric{name: name, help: help})
			continue
		}
		m := all[len(all)-1]
		if about, ok := strings.CutPrefix(line, "# TYPE "); ok {
			m.kind = strings.TrimPrefix(about, m.name+" ")
			continue
		}
		found := series.FindStringSubmatch(line)
		if found == nil || found[1] != m.name && found[1]+found[2] != m.name {
			t.Fatalf("%q is no series of %s", line, m.name)
		}
		if m.labels == nil {
			m.labels = []string{}
			for _, l := range label.FindAllStringSubmatch(found[3], -1) {
				if l[1] != "le" {
					m.labels = append(m.labels, l[1])
				}
			}
		}
	}
	return all
}

// names are all that a query may ask for, with the metric it is of.
func names(all []*metric) map[string]*metric {
	m := make(map[string]*metric)
	for _, one := range all {
		m[one.name] = one
		if one.kind == "histogram" || one.kind == "summary" {
			delete(m, one.name)
			m[one.name+"_sum"], m[one.name+"_count"] = one, one
		}
		if one.kind == "histogram" {
			m[one.name+"_bucket"] = one
		}
	}
	return m
}
