package download

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/gofrs/flock"
)

// part is the file that a download grows in, NAME.part. Other processes are kept off it by
// a lock on the file .NAME.lock.
type part struct {
	target string
	lock   *flock.Flock
	file   *os.File
	size   int64
	mended bool // its bytes come from more than one answer
}

func partPath(path string) string { return path + ".part" }
func lockPath(path string) string { return hidden(path, ".lock") }

// lockPoll is how often a lock that another process holds is tried.
const lockPoll = 100 * time.Millisecond

// openPart opens, or makes, the part of the file at path. If another process has the lock
// it calls waiting once and waits.
func openPart(ctx context.Context, path string, waiting func()) (*part, error) {
	lock := flock.New(lockPath(path), flock.SetPermissions(0o666))
	ok, err := lock.TryLock()
	if err == nil && !ok {
		waiting()
		_, err = lock.TryLockContext(ctx, lockPoll) // locked, or an error
	}
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", lockPath(path), err)
	}
	p := &part{target: path, lock: lock}
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
	p.lock.Unlock()
}
