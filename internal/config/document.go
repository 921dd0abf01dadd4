package config

import (
	"io/fs"
	"maps"
	"reflect"
	"strings"
	"time"
	"unicode"

	"github.com/wsedge/wsedge/internal/channel"
)

// Document is what a configuration file says. Its keys are the fields' names in snake case, or their tag key; zero is a field's
// default. What each means stands in Options.
type Document struct {
	Listen     Listen
	TLS        TLS
	Limits     Limits
	Drain      Drain
	Heartbeat  Heartbeat
	Deflate    Deflate
	Auth       Auth
	Tickets    Tickets
	Webhook    Webhook
	Engine     Engine
	Cluster    Cluster
	Namespaces Namespaces
	Log        Log
	Tracing    Tracing

	FlightRecorder FlightRecorder

	marks map[string]Position // of what the file sets, sections included, by path
}

// Listen is the section listen.
type Listen struct {
	Addr           string
	SocketMode     fs.FileMode
	InsecurePublic bool
	ProxyProtocol  []string
	TrustedProxies []string
	Origins        []string
	AdminAddr      string
	InsecureAdmin  bool
	Console        bool
	Loops          int
	Workers        int
}

// TLS is the section tls.
type TLS struct {
	CertFiles     []string
	KeyFiles      []string
	ClientCAFile  string
	MinVersion    string
	Compact       bool
	ACMEDomains   []string
	ACMECache     string
	ACMEEmail     string
	ACMEDirectory string
}

// Tickets is the section tickets.
type Tickets struct {
	Enabled  bool
	Keys     []string
	KeysFile string
}

// Webhook is the section webhook.
type Webhook struct {
	URL        string
	Events     []string
	SecretFile string
	Timeout    time.Duration
	OnFailure  string
	AllowNets  []string
	Headers    []string
}

// Engine is the section engine.
type Engine struct {
	Use       string
	Dir       string
	Sync      time.Duration
	Replicas  int
	Shrink    bool
	Prefix    string
	CredsFile string
	NkeyFile  string
	CAFile    string
}

// Cluster is the section cluster.
type Cluster struct {
	Name       string
	Listen     string
	Routes     []string
	SecretFile string
}

// Limits is the section limits.
type Limits struct {
	MaxConns         int
	MaxHeadBytes     int64
	MaxMessageBytes  int64
	MaxFrameRate     int
	MaxControlRate   int
	OutboundMaxBytes int64
	OutboundMaxAge   time.Duration
	NodeMaxBytes     int64
	HistoryMaxBytes  int64
	ChannelsPerConn  int
	MaxChannels      int
	ChannelIdle      time.Duration
	HandshakeTimeout time.Duration
	ConnsPerAddress  int
	ConnsPerUser     int
	AcceptRate       int
	NodeAcceptRate   int
	MessageRate      int
	UserMessageRate  int
	APIRequests      int
}

// Drain is the section drain.
type Drain struct {
	Delay  time.Duration
	Spread time.Duration
}

// Heartbeat is the section heartbeat.
type Heartbeat struct {
	PingInterval time.Duration
	PongTimeout  time.Duration
}

// Deflate is the section deflate.
type Deflate struct {
	Enabled  bool
	Takeover bool
}

// Namespaces is the section namespaces: see channel.Namespaces.
type Namespaces struct {
	Strict  bool
	Default channel.Options
	Named   map[string]*channel.Options
}

// Log is the section log.
type Log struct {
	Format string
	Push   PushLog
	Access AccessLog
}

// PushLog is the section log.push.
type PushLog struct {
	Enabled   bool
	File      string
	Every     int
	Data      string
	HeadBytes int64
}

// AccessLog is the section log.access.
type AccessLog struct {
	Enabled     bool
	File        string
	Connections bool
	Address     string
}

// FlightRecorder is the section flight_recorder.
type FlightRecorder struct {
	Enabled bool
	Ends    int
}

// Tracing is the section tracing.
type Tracing struct {
	URL         string
	Ratio       float64
	HeadersFile string
}

// newDocument is a document in which nothing is set.
func newDocument() *Document {
	return &Document{Namespaces: Namespaces{Strict: true}, marks: make(map[string]Position)}
}

// Has tells whether the file sets the option, or has the section, of that path.
func (d *Document) Has(path string) bool {
	_, ok := d.marks[path]
	return ok
}

// Channels are the namespaces, for the hub. They are a copy.
func (d *Document) Channels() *channel.Namespaces {
	n := &channel.Namespaces{Strict: d.Namespaces.Strict, Default: d.Namespaces.Default, ByName: make(map[string]*channel.Options)}
	for name, o := range d.Namespaces.Named {
		c := *o
		n.ByName[name] = &c
	}
	return n
}

// clone copies the document, but for what is not to be changed in it.
func (d *Document) clone() *Document {
	c := *d
	c.marks = maps.Clone(d.marks)
	return &c
}

// at finds a leaf of the document, or a section, by its path.
func (d *Document) at(path string) reflect.Value {
	v := reflect.ValueOf(d).Elem()
	for key := range strings.SplitSeq(path, ".") {
		v = fieldOf(v, key)
	}
	return v
}

// fieldOf finds a struct's field by its key; the zero Value if there is none.
func fieldOf(v reflect.Value, key string) reflect.Value {
	t := v.Type()
	for i := range t.NumField() {
		if keyOf(t.Field(i)) == key {
			return v.Field(i)
		}
	}
	return reflect.Value{}
}

// keyOf is a field's key; "" for a field that is no part of the file.
func keyOf(f reflect.StructField) string {
	switch key := f.Tag.Get("key"); {
	case !f.IsExported() || key == "-":
		return ""
	case key != "":
		return key
	}
	return snake(f.Name)
}

// keysOf are those of a struct, in the order of its fields.
func keysOf(t reflect.Type) (keys []string) {
	for i := range t.NumField() {
		if key := keyOf(t.Field(i)); key != "" {
			keys = append(keys, key)
		}
	}
	return keys
}

// snake writes a field's name as a key: SocketMode is socket_mode, ACMECache acme_cache.
func snake(name string) string {
	runes := []rune(name)
	var b strings.Builder
	for i, r := range runes {
		wordBegins := i > 0 && unicode.IsUpper(r) && (unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1]))
		if wordBegins {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
