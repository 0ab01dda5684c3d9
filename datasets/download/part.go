package download

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
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

	made []string // folders that were not there before, the innermost first
}

func partPath(path string) string { return path + ".part" }
func lockPath(path string) string { return hidden(path, ".lock") }

// lockPoll is how often a lock that another process holds is tried.
const lockPoll = 100 * time.Millisecond

// openPart opens, or makes, the part of the file at path, and the folder for it. If another process
// has the lock it calls waiting once and waits.
func openPart(ctx context.Context, path string, waiting func()) (*part, error) {
	p := &part{target: path, lock: flock.New(lockPath(path), flock.SetPermissions(0o666))}
	waiting = sync.OnceFunc(waiting)
	for held := false; !held; {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := p.makeFolder(); err != nil {
			return nil, err
		}
		ok, err := p.lock.TryLock()
		if err == nil && !ok {
			waiting()
			_, err = p.lock.TryLockContext(ctx, lockPoll) // locked, or an error
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("lock %s: %w", lockPath(path), err)
		}
		// Who had the lock may have removed it, and the folder: what is locked then is of no use.
		locked, _ := p.lock.Stat()
		there, err := os.Stat(lockPath(path))
		if held = p.lock.Locked() && err == nil && os.SameFile(locked, there); !held {
			p.lock.Unlock()
		}
	}
	var err error
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

func (p *part) makeFolder() error {
	dir := filepath.Dir(p.target)
	for d := dir; ; d = filepath.Dir(d) {
		if _, err := os.Stat(d); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		p.made = append(p.made, d)
	}
	return os.MkdirAll(dir, 0o777)
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

// close releases the part. It stays for a later process to go on with, unless it is empty: then
// nothing is left that was not there before.
func (p *part) close() {
	p.file.Close() // of nil, too
	if info, err := os.Stat(partPath(p.target)); err == nil && info.Size() == 0 {
		os.Remove(partPath(p.target))
	}
	os.Remove(lockPath(p.target))
	for _, dir := range p.made {
		os.Remove(dir) // unless there is something in it
	}
	p.lock.Unlock()
}
