package record

import (
	"crypto/tls"
	"net"
)

const (
	// HeaderLen is the length of a record's header: type, version, length (RFC 8446, section 5.1).
	HeaderLen = 5
	// MaxPlaintext is how much a record can carry (RFC 8446, section 5.1).
	MaxPlaintext = 1 << 14
	// MaxCiphertext is how much may follow a header (RFC 8446, section 5.2).
	MaxCiphertext = MaxPlaintext + 256
	// Overhead is what Seal adds to the plaintext of each record: header, inner type, tag.
	Overhead = HeaderLen + 1 + tagLen

	// rekeyAfter is how many records one key seals before Seal changes it on its own. AES-GCM allows about 2^24.5 full
	// records at an advantage of 2^-57 (RFC 8446, section 5.5); this leaves a factor of 2.8.
	rekeyAfter = 1 << 23
)

// Content types (RFC 8446, section 5.1).
const (
	typeAlert           = 21
	typeHandshake       = 22
	typeApplicationData = 23
)

// Alerts (RFC 8446, section 6).
const (
	alertLevelWarning = 1
	alertLevelFatal   = 2

	alertCloseNotify       = 0
	alertUnexpectedMessage = 10
	alertBadRecordMAC      = 20
	alertRecordOverflow    = 22
	alertIllegalParameter  = 47
	alertDecodeError       = 50
	alertInternalError     = 80
	alertUserCanceled      = 90
)

// What may follow the handshake (RFC 8446, sections 4.6.1 and 4.6.3).
const (
	msgNewSessionTicket = 4
	msgHeaderLen        = 4
	// maxTicket is how long a NewSessionTicket may be, as crypto/tls has it.
	maxTicket = 64 << 10

	msgKeyUpdate    = 24
	keyUpdateLen    = 4 + 1
	updateRequested = 1
)

// Scratch is what all Conns of one goroutine share: arguments of a cipher, which would else escape to the heap.
type Scratch struct {
	nonce  [ivLen]byte
	header [HeaderLen]byte
	short  [keyUpdateLen]byte
}

// Conn is one established connection. Its methods must not be called concurrently.
type Conn struct {
	read, write half
	suite       uint16
	update      [keyUpdateLen]byte // a KeyUpdate, or the header of a ticket, of which only a part has come
	updateLen   uint8
	silent      bool // close_notify or a fatal alert was sealed: nothing follows it
	client      bool
	ticketLeft  uint32 // client: of a NewSessionTicket
}

// New returns the record layer of a connection with a cipher suite of TLS 1.3, its application traffic secrets, and the
// number of records already opened and sealed under them. A wrong sealed would use nonces twice: see [CountSealed].
func New(suiteID uint16, readSecret, writeSecret []byte, opened, sealed uint64) (*Conn, error) {
	c := new(Conn)
	return c, c.Init(suiteID, readSecret, writeSecret, opened, sealed)
}

// Init does to a zero Conn what [New] does to a new one.
func (c *Conn) Init(suiteID uint16, readSecret, writeSecret []byte, opened, sealed uint64) error {
	s, err := suiteOf(suiteID)
	if err != nil {
		return err
	}
	c.suite = suiteID
	if err := c.read.install(s, readSecret, opened); err != nil {
		return err
	}
	return c.write.install(s, writeSecret, sealed)
}

// ServeClient, called before the first record, makes c the client's end: it takes the server's NewSessionTickets, and forgets them. How many may come is for
// the caller to bound, as it is with key updates.
func (c *Conn) ServeClient() { c.client = true }

// CipherSuite is the number of the cipher suite.
func (c *Conn) CipherSuite() uint16 { return c.suite }

// Cool lets go of the ciphers made so far, about 900 bytes each with AES-GCM. The next record makes them again.
func (c *Conn) Cool() { c.read.warm, c.write.warm = nil, nil }

// localError and remoteError have the shape of crypto/tls' errors.
func localError(alert byte) error {
	return &net.OpError{Op: "local error", Err: tls.AlertError(alert)}
}

func remoteError(alert byte) error {
	return &net.OpError{Op: "remote error", Err: tls.AlertError(alert)}
}
