package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/wsedge/wsedge/internal/config"
)

// readFile reads a configuration, or what one names: nothing that is longer than a configuration may be.
func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, config.MaxBytes+1))
	if err == nil && len(text) > config.MaxBytes {
		err = fmt.Errorf("%s: longer than %d bytes", name, config.MaxBytes)
	}
	return text, err
}

// dirOf is the directory that a file's relative names are looked for in.
func dirOf(name string) string {
	if absolute, err := filepath.Abs(name); err == nil {
		return filepath.Dir(absolute)
	}
	return filepath.Dir(name)
}
