package channel

// Fits tells whether the namespace takes publications with so many bytes of data.
func (o *Options) Fits(bytes int) bool {
	return o.MaxMessageBytes == 0 || int64(bytes) <= o.MaxMessageBytes
}
