package download

import (
	"context"
	"io"
	"os"
	"path/filepath"

	"weightsep/datasets/files"
)

// part is the file that a download grows in, NAME.part. Other processes are kept off it by
// a lock on the file .NAME.lock, which stays.
type part struct {
	target string
	unlock func()
	file   *os.File
	size   int64
	mended bool // its bytes come from more than one answer
}

func partPath(path string) string { return path + ".part" }
func lockPath(path string) string { return hidden(path, ".lock") }

// openPart opens, or makes, the part of the file at path, and the folder for it. If another process
// has the lock it calls waiting, if there is one, and waits.
func openPart(ctx context.Context, path string, waiting func()) (*part, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return nil, err
	}
	unlock, err := files.Lock(ctx, lockPath(path), waiting)
	if err != nil {
		return nil, err
	}
	p := &part{target: path, unlock: unlock}
	p.file, err = os.OpenFile(partPath(path), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o666)
	if err == nil {
		p.size, err = p.file.Seek(0, io.SeekEnd)
	}
	if err != nil {
		p.close()
		return nil, err
	}
	p.mended = p.size > 0
	return p, nil
}

// write appends b.
func (p *part) write(b []byte) error {
	n, err := p.file.Write(b)
	p.size += int64(n)
	return err
}

// reset forgets all bytes. No mirror can help with its error.
func (p *part) reset() error {
	p.size, p.mended = 0, false
	if err := p.file.Truncate(0); err != nil {
		return stop(err)
	}
	return nil
}

// commit gives the part the name of the whole, once its bytes are on the disk.
func (p *part) commit() error {
	if err := p.file.Sync(); err != nil {
		return err
	}
	return os.Rename(partPath(p.target), p.target)
}

// close releases the part. It stays for a later process to go on with, unless it is empty.
func (p *part) close() {
	p.file.Close() // of nil, too
	if info, err := os.Stat(partPath(p.target)); err == nil && info.Size() == 0 {
		os.Remove(partPath(p.target))
	}
	p.unlock()
}
