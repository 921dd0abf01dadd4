package record

import (
	"bytes"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"
)

// What RFC 8448, section 3, prints of its simple 1-RTT handshake, from the application traffic secrets on.
const (
	traceClientSecret = "9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5"
	traceServerSecret = "a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643"
	traceClientKey    = "17422dda596ed5d9acd890e3c63f5051"
	traceClientIV     = "5b78923dee08579033e523d9"
	traceServerKey    = "9f02283b6c9c07efc26bb9f2ac92e356"
	traceServerIV     = "cf782b88dd83549aadf1e984"
	traceServerTicket = `17030300de 3a6b8f90414a97d6959c3487680de5134a2b240e6cffac116e95d41d6af8f6b580dcf3d11d63c758db289a
		015940252f55713e061dc13e078891a38efbcf5753ad8ef170ad3c7353d16d9da773b9ca7f2b9fa1b6c0d4a3d03f75e09c30ba1e62972ac46f75
		f7b981be63439b2999ce13064615139891d5e4c5b406f16e3fc181a77ca475840025db2f0a77f81b5ab05b94c01346755f69232c86519d86cbee
		ac87aac347d143f9605d64f650db4d023e70e952ca49fe5137121c74bc2697687e248746d6df353005f3bce18696129c8153556b3b6c6779b37b
		f15985684f`
	traceClientData = `1703030043 a23f7054b62c94d0affafe8228ba55cbefacea42f914aa66bcab3f2b9819a8a5b46b395bd54a9a20441e2b62974e1f
		5a6292a2977014bd1e3deae63aeebb21694915e4`
	traceServerData = `1703030043 2e937e11ef4ac740e538ad36005fc4a46932fc3225d05f82aa1b36e30efaf97d90e6dffc602dcb501a59a8fcc49c4b
		f2e5f0a21c0047c2abf332540dd032e167c2955d`
	traceClientAlert = "1703030013 c9872760655666b74d7ff1153efd6db6d0b0e3"
	traceServerAlert = "1703030013 b58fd67166ebf599d24720cfbe7efa7a8864a9"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func tracePayload() []byte {
	b := make([]byte, 50)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

// The server of the trace: a ticket went out before the records that this package seals.
func TestTraceOfRFC8448(t *testing.T) {
	clientSecret, serverSecret := unhex(t, traceClientSecret), unhex(t, traceServerSecret)
	sealed, err := CountSealed(tls.TLS_AES_128_GCM_SHA256, serverSecret, unhex(t, traceServerTicket))
	if err != nil || sealed != 1 {
		t.Fatalf("counted %d, %v", sealed, err)
	}
	c, err := New(tls.TLS_AES_128_GCM_SHA256, clientSecret, serverSecret, 0, sealed)
	if err != nil {
		t.Fatal(err)
	}
	for name, pair := range map[string][2][]byte{
		"client key": {c.read.key[:16], unhex(t, traceClientKey)}, "client iv": {c.read.iv[:], unhex(t, traceClientIV)},
		"server key": {c.write.key[:16], unhex(t, traceServerKey)}, "server iv": {c.write.iv[:], unhex(t, traceServerIV)},
	} {
		if !bytes.Equal(pair[0], pair[1]) {
			t.Errorf("%s is %x, not %x", name, pair[0], pair[1])
		}
	}
	var s Scratch
	plain, reply, err := c.Open(&s, unhex(t, traceClientData), nil)
	if err != nil || len(reply) > 0 || !bytes.Equal(plain, tracePayload()) {
		t.Errorf("opened %x, %x, %v", plain, reply, err)
	}
	if got := c.Seal(&s, nil, tracePayload()); !bytes.Equal(got, unhex(t, traceServerData)) {
		t.Errorf("sealed %x", got)
	}
	if _, reply, err := c.Open(&s, unhex(t, traceClientAlert), nil); !errors.Is(err, io.EOF) || len(reply) > 0 {
		t.Errorf("opened close_notify: %x, %v", reply, err)
	}
	if got := c.CloseNotify(&s, nil); !bytes.Equal(got, unhex(t, traceServerAlert)) {
		t.Errorf("sealed %x", got)
	}
}
