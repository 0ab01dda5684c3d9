package download

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// part is the file that a download grows in, locked against other processes.
type part struct {
	target string
	lock   *flock.Flock
	file   *os.File
	size   int64
	origin origin
	mended bool // its bytes come from more than one answer
}

// origin says where the bytes of a part come from. It is kept in .NAME.part.json, for
// a later process to resume. The zero value is an origin not known.
type origin struct {
	URL      string `json:"url"`
	ETag     string `json:"etag,omitempty"`
	Modified string `json:"modified,omitempty"` // Last-Modified
	Total    int64  `json:"total"`              // bytes of the whole; -1 if not announced
}

// validator is what a server can tell versions of a file apart by, "" if it gave
// nothing that could be relied on for ranges.
func (o origin) validator() string {
	if len(o.ETag) > 0 && o.ETag[0] == '"' { // a weak one starts with W/
		return o.ETag
	}
	if o.ETag == "" {
		return o.Modified
	}
	return ""
}

func partPath(path string) string { return path + ".part" }

func originPath(path string) string {
	return filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".part.json")
}

// lockPoll is how often a lock that another process holds is tried.
const lockPoll = 100 * time.Millisecond

// openPart opens, or makes, the part of the file at path and locks it. If another
// process has the lock it calls waiting once and waits.
func openPart(ctx context.Context, path string, waiting func()) (*part, error) {
	name := partPath(path)
	for {
		lock := flock.New(name, flock.SetFlag(os.O_CREATE|os.O_RDWR), flock.SetPermissions(0o666))
		ok, err := lock.TryLock()
		if err == nil && !ok {
			if waiting != nil {
				waiting()
				waiting = nil
			}
			_, err = lock.TryLockContext(ctx, lockPoll) // locked, or an error
		}
		if err != nil {
			return nil, fmt.Errorf("lock %s: %w", name, err)
		}
		p := &part{target: path, lock: lock}
		switch ours, err := p.open(); {
		case err != nil:
			p.close()
			return nil, err
		case ours:
			return p, nil
		}
		p.close()
	}
}

// open opens the locked file. It is not ours if the process that had the lock before
// has renamed or removed it: what is locked is then no longer at the part's place.
func (p *part) open() (ours bool, err error) {
	locked, err := p.lock.Stat()
	if err != nil {
		return false, err
	}
	p.file, err = os.OpenFile(partPath(p.target), os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	info, err := p.file.Stat()
	if err != nil {
		return false, err
	}
	if !os.SameFile(locked, info) {
		p.file.Close()
		p.file = nil
		return false, nil
	}
	p.size = info.Size()
	p.mended = p.size > 0
	if !readJSON(originPath(p.target), &p.origin) {
		p.origin = origin{Total: -1}
	}
	return true, nil
}

// begin notes where the bytes that follow come from. A part that gets bytes from
// elsewhere than its first ones has no known origin any more.
func (p *part) begin(o origin) error {
	if p.size > 0 {
		p.mended = true
		if o == p.origin {
			return nil
		}
		o = origin{Total: o.Total}
	}
	p.origin = o
	return writeJSON(originPath(p.target), o)
}

// write appends b.
func (p *part) write(b []byte) error {
	n, err := p.file.WriteAt(b, p.size)
	p.size += int64(n)
	return err
}

// reset forgets all bytes.
func (p *part) reset() error {
	if err := p.file.Truncate(0); err != nil {
		return err
	}
	p.size, p.mended, p.origin = 0, false, origin{Total: -1}
	if err := os.Remove(originPath(p.target)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// commit gives the part the name of the whole, once its bytes are on the disk.
func (p *part) commit() (fs.FileInfo, error) {
	if err := p.file.Sync(); err != nil {
		return nil, err
	}
	info, err := p.file.Stat()
	if err != nil {
		return nil, err
	}
	if err := os.Rename(partPath(p.target), p.target); err != nil {
		return nil, err
	}
	os.Remove(originPath(p.target)) // a later download overwrites what stays
	syncDir(filepath.Dir(p.target)) // some file systems cannot
	return info, nil
}

// close releases the part. It stays for a later process to go on with, unless it is
// empty or was committed.
func (p *part) close() {
	if p.file != nil {
		here, err := os.Stat(partPath(p.target))
		if mine, e := p.file.Stat(); err == nil && e == nil && os.SameFile(here, mine) && mine.Size() == 0 {
			os.Remove(partPath(p.target))
			os.Remove(originPath(p.target))
		}
		p.file.Close()
	}
	p.lock.Unlock()
}

// syncDir makes a rename in dir last.
func syncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		d.Sync()
		d.Close()
	}
}
