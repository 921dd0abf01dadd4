package conformance

import (
	"errors"
	"fmt"
)

// inflater undoes the compression of messages strictly (RFC 1951; RFC 7692, section 7.2): no distance beyond the window
// that was agreed on or the start of the context, no code that is over-subscribed or missing, and the end where it must be.
type inflater struct {
	window   int  // bytes
	takeover bool // messages may refer to earlier ones
	context  []byte

	in  []byte
	pos int // of the next bit
	out []byte
}

var errDeflate = errors.New("not a DEFLATE stream")

// message inflates one message, whose last 4 bytes the sender has left off.
func (f *inflater) message(payload []byte) ([]byte, error) {
	f.in = append(append([]byte(nil), payload...), 0, 0, 0xFF, 0xFF)
	f.pos = 0
	f.out = append([]byte(nil), f.context...)
	start := len(f.out)
	for {
		stored, err := f.block()
		if err != nil {
			return nil, err
		}
		if f.pos == 8*len(f.in) {
			if !stored {
				return nil, errors.New("a compressed message that does not end with an empty stored block")
			}
			break
		}
	}
	message := f.out[start:]
	if f.takeover {
		f.context = append([]byte(nil), f.out[max(0, len(f.out)-f.window):]...)
	}
	return message, nil
}

// block inflates one block and tells whether it was stored.
func (f *inflater) block() (stored bool, err error) {
	header, err := f.bits(3)
	if err != nil {
		return false, err
	}
	switch header >> 1 {
	case 0:
		return true, f.stored()
	case 1:
		return false, f.codes(fixedLiterals, fixedDistances)
	case 2:
		literals, distances, err := f.tables()
		if err != nil {
			return false, err
		}
		return false, f.codes(literals, distances)
	}
	return false, fmt.Errorf("%w: reserved block type", errDeflate)
}

// bits reads n bits, at most 16, the first one lowest.
func (f *inflater) bits(n int) (int, error) {
	if f.pos+n > 8*len(f.in) {
		return 0, fmt.Errorf("%w: it ends inside a block", errDeflate)
	}
	v := f.peek() & (1<<n - 1)
	f.pos += n
	return v, nil
}

// peek returns at least 16 bits; those beyond the end are 0.
func (f *inflater) peek() int {
	v, i := 0, f.pos>>3
	for k := 0; k < 4 && i+k < len(f.in); k++ {
		v |= int(f.in[i+k]) << (8 * k)
	}
	return v >> (f.pos & 7)
}

func (f *inflater) stored() error {
	i := (f.pos + 7) >> 3
	if i+4 > len(f.in) {
		return fmt.Errorf("%w: cut stored block", errDeflate)
	}
	n := int(f.in[i]) | int(f.in[i+1])<<8
	complement := int(f.in[i+2]) | int(f.in[i+3])<<8
	if n != complement^0xFFFF || i+4+n > len(f.in) {
		return fmt.Errorf("%w: stored block", errDeflate)
	}
	f.out = append(f.out, f.in[i+4:i+4+n]...)
	f.pos = 8 * (i + 4 + n)
	return nil
}

// codes inflates the symbols of one block.
func (f *inflater) codes(literals, distances *huffman) error {
	for {
		symbol, err := f.symbol(literals)
		switch {
		case err != nil:
			return err
		case symbol < 256:
			f.out = append(f.out, byte(symbol))
			continue
		case symbol == 256:
			return nil
		case symbol > 285:
			return fmt.Errorf("%w: length code %d", errDeflate, symbol)
		}
		extra, err := f.bits(lengthExtra[symbol-257])
		if err != nil {
			return err
		}
		length := lengthBase[symbol-257] + extra
		if symbol, err = f.symbol(distances); err != nil {
			return err
		}
		if symbol > 29 {
			return fmt.Errorf("%w: distance code %d", errDeflate, symbol)
		}
		if extra, err = f.bits(distanceExtra[symbol]); err != nil {
			return err
		}
		if err := f.match(distanceBase[symbol]+extra, length); err != nil {
			return err
		}
	}
}

func (f *inflater) match(distance, length int) error {
	if distance > f.window {
		return fmt.Errorf("a distance of %d in a window of %d bytes", distance, f.window)
	}
	if distance > len(f.out) {
		return errors.New("a distance to before the start of the context")
	}
	for range length {
		f.out = append(f.out, f.out[len(f.out)-distance])
	}
	return nil
}

// tables reads the code lengths of a dynamic block.
func (f *inflater) tables() (literals, distances *huffman, err error) {
	counts, err := f.bits(14)
	if err != nil {
		return nil, nil, err
	}
	nLiterals, nDistances, nCodes := counts&31+257, counts>>5&31+1, counts>>10+4
	var order = [19]int{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}
	var lengths [19]byte
	for i := range nCodes {
		n, err := f.bits(3)
		if err != nil {
			return nil, nil, err
		}
		lengths[order[i]] = byte(n)
	}
	codes, err := newHuffman(lengths[:])
	if err != nil {
		return nil, nil, err
	}
	all, err := f.codeLengths(codes, nLiterals+nDistances)
	if err != nil {
		return nil, nil, err
	}
	if literals, err = newHuffman(all[:nLiterals]); err != nil {
		return nil, nil, err
	}
	distances, err = newHuffman(all[nLiterals:])
	return literals, distances, err
}

// codeLengths reads n run-length coded code lengths (RFC 1951, section 3.2.7).
func (f *inflater) codeLengths(codes *huffman, n int) ([]byte, error) {
	all := make([]byte, 0, n)
	for len(all) < n {
		symbol, err := f.symbol(codes)
		if err != nil {
			return nil, err
		}
		value, repeat := byte(symbol), 1
		switch symbol {
		case 16:
			if len(all) == 0 {
				return nil, fmt.Errorf("%w: nothing to repeat", errDeflate)
			}
			value = all[len(all)-1]
			repeat, err = f.bits(2)
			repeat += 3
		case 17:
			value = 0
			repeat, err = f.bits(3)
			repeat += 3
		case 18:
			value = 0
			repeat, err = f.bits(7)
			repeat += 11
		}
		if err != nil || len(all)+repeat > n {
			return nil, fmt.Errorf("%w: code lengths", errDeflate)
		}
		for range repeat {
			all = append(all, value)
		}
	}
	return all, nil
}

// huffman is a canonical code (RFC 1951, section 3.2.2) as a table: the next tableBits bits of the stream give the symbol
// and its length; where a code is longer than that, a walk from its length on.
type huffman struct {
	table   [1 << tableBits]uint16 // symbol<<4 | length; 0: longer, or none
	counts  [16]int                // codes of each length
	symbols []int                  // in the order of their codes
}

const tableBits = 10

func newHuffman(lengths []byte) (*huffman, error) {
	h := &huffman{}
	for _, n := range lengths {
		h.counts[n]++
	}
	h.counts[0] = 0
	var offsets, codes [17]int
	left := 1
	for n := 1; n < 16; n++ {
		left = left<<1 - h.counts[n]
		if left < 0 {
			return nil, fmt.Errorf("%w: over-subscribed code", errDeflate)
		}
		offsets[n+1] = offsets[n] + h.counts[n]
		codes[n+1] = (codes[n] + h.counts[n]) << 1
	}
	h.symbols = make([]int, offsets[16])
	for symbol, n := range lengths {
		if n == 0 {
			continue
		}
		h.symbols[offsets[n]] = symbol
		offsets[n]++
		if n <= tableBits {
			for i := reverse(codes[n], int(n)); i < len(h.table); i += 1 << n {
				h.table[i] = uint16(symbol<<4) | uint16(n)
			}
		}
		codes[n]++
	}
	return h, nil
}

func reverse(code, n int) int {
	r := 0
	for range n {
		r, code = r<<1|code&1, code>>1
	}
	return r
}

// symbol reads one symbol.
func (f *inflater) symbol(h *huffman) (int, error) {
	ahead := f.peek()
	if e := h.table[ahead&(1<<tableBits-1)]; e != 0 {
		f.pos += int(e & 15)
		if f.pos > 8*len(f.in) {
			return 0, fmt.Errorf("%w: it ends inside a code", errDeflate)
		}
		return int(e >> 4), nil
	}
	code, first, index := 0, 0, 0
	for n := 1; n < 16; n++ {
		code |= ahead >> (n - 1) & 1
		if i := code - first; i < h.counts[n] {
			f.pos += n
			if f.pos > 8*len(f.in) {
				return 0, fmt.Errorf("%w: it ends inside a code", errDeflate)
			}
			return h.symbols[index+i], nil
		}
		index += h.counts[n]
		first = (first + h.counts[n]) << 1
		code <<= 1
	}
	return 0, fmt.Errorf("%w: a code that is none", errDeflate)
}

// RFC 1951, section 3.2.5 and 3.2.6.
var (
	lengthBase    = [29]int{3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258}
	lengthExtra   = [29]int{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0}
	distanceBase  = [30]int{1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577}
	distanceExtra = [30]int{0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13}

	fixedLiterals, fixedDistances = fixedCodes()
)

func fixedCodes() (literals, distances *huffman) {
	lengths := make([]byte, 288)
	for i := range lengths {
		switch {
		case i < 144:
			lengths[i] = 8
		case i < 256:
			lengths[i] = 9
		case i < 280:
			lengths[i] = 7
		default:
			lengths[i] = 8
		}
	}
	literals, err := newHuffman(lengths)
	if err != nil {
		panic(err)
	}
	five := make([]byte, 30)
	for i := range five {
		five[i] = 5
	}
	if distances, err = newHuffman(five); err != nil {
		panic(err)
	}
	return literals, distances
}
