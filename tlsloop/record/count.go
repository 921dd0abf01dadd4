package record

import "errors"

var errFlight = errors.New("record: what was sent under the application key can't be counted")

// CountSealed says how many records of flight are sealed with the first key of secret, by opening them: it is how many
// session tickets crypto/tls has sent. flight is whole records as they were sent, from any point before the first of them
// to the last. All that follows the first that opens must open as well: a count that is too low would use nonces twice.
func CountSealed(suiteID uint16, secret, flight []byte) (uint64, error) {
	suite, err := suiteOf(suiteID)
	if err != nil {
		return 0, err
	}
	var key half
	if err := key.install(suite, secret, 0); err != nil {
		return 0, err
	}
	aead, err := key.cipher(suiteID)
	if err != nil {
		return 0, err
	}
	var s Scratch
	var count uint64
	for len(flight) > 0 {
		n := Length(flight, MaxCiphertext)
		if n > len(flight) {
			return 0, errFlight
		}
		rec := flight[:n]
		flight = flight[n:]
		key.seq = count
		_, err := aead.Open(nil, key.nonce(&s), rec[HeaderLen:], rec[:HeaderLen])
		switch {
		case err == nil:
			count++
		case count > 0:
			return 0, errFlight
		}
	}
	return count, nil
}
