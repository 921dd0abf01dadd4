package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

// file is one of an archive.
type file struct {
	name string // below the archive's directory, with slashes
	mode fs.FileMode
	text []byte
}

// pack makes a compressed tar archive of files, all in one directory, that depends on nothing but them and the time.
func pack(dir string, at time.Time, files []file) ([]byte, error) {
	files = withDirectories(dir, files)
	var b bytes.Buffer
	zip, err := gzip.NewWriterLevel(&b, gzip.BestCompression) // its header has neither a name nor a time
	if err != nil {
		return nil, err
	}
	archive := tar.NewWriter(zip)
	for _, f := range files {
		header := &tar.Header{Name: f.name, Mode: int64(f.mode.Perm()), Size: int64(len(f.text)), ModTime: at, Typeflag: tar.TypeReg, Format: tar.FormatUSTAR}
		if f.mode.IsDir() {
			header.Name, header.Typeflag = f.name+"/", tar.TypeDir
		}
		if err := archive.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := archive.Write(f.text); err != nil {
			return nil, err
		}
	}
	err = errors.Join(archive.Close(), zip.Close())
	return b.Bytes(), err
}

// withDirectories puts files below dir, adds the directories that they are in, and sorts: a directory comes before what it holds.
func withDirectories(dir string, files []file) []file {
	all := map[string]file{}
	for _, f := range files {
		f.name = path.Join(dir, f.name)
		all[f.name] = f
		for parent := path.Dir(f.name); parent != "."; parent = path.Dir(parent) {
			all[parent] = file{name: parent, mode: fs.ModeDir | 0o755}
		}
	}
	sorted := make([]file, 0, len(all))
	for _, f := range all {
		sorted = append(sorted, f)
	}
	slices.SortFunc(sorted, func(a, b file) int { return strings.Compare(a.name, b.name) })
	return sorted
}
