package download

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestGoodFileIsThere(t *testing.T) {
	content := random(size, 1)
	s := newServer(t, content)
	f := fileOf(t, content, s)
	os.MkdirAll(filepath.Dir(f.Path), 0o777)
	os.WriteFile(f.Path, content, 0o666)
	if st, err := Stat(f); err != nil || st.State != Present {
		t.Fatalf("%+v, %v: want present", st, err)
	}
	if r := fetch(t, f, content); r.State != Verified || r.Size != size {
		t.Errorf("%+v", r)
	}
	if st, err := Stat(f); err != nil || st.State != Verified {
		t.Errorf("%+v, %v: the check was not recorded", st, err)
	}
	// It was read once, not twice.
	if _, err := quick.Fetch(t.Context(), f, func(e Event) { t.Errorf("%+v", e) }); err != nil {
		t.Error(err)
	}
	// It is read again after it was touched.
	later := time.Now().Add(time.Minute)
	os.Chtimes(f.Path, later, later)
	var read bool
	if _, err := Check(t.Context(), f, func(e Event) { read = true }); err != nil || !read {
		t.Errorf("read %v, %v", read, err)
	}
	// A size that differs is seen even if the time does not.
	info, _ := os.Stat(f.Path)
	os.Truncate(f.Path, size-1)
	os.Chtimes(f.Path, info.ModTime(), info.ModTime())
	if st, _ := Stat(f); st.State != Wrong {
		t.Errorf("%+v", st)
	}
	if st, _ := Stat(File{Path: f.Path, MD5: f.MD5}); st.State != Present {
		t.Errorf("%+v: the record is of another size", st)
	}
	os.WriteFile(f.Path, content, 0o666)
	// Both sums are made, whichever is asked for.
	g := f
	g.MD5 = ""
	os.Remove(recordPath(f.Path))
	Check(t.Context(), g, ignore)
	if st, _ := Stat(g); st.State != Verified {
		t.Errorf("%+v", st)
	}
	if st, _ := Stat(f); st.State != Verified {
		t.Errorf("%+v: there is no md5 in the record", st)
	}
	wantRequests(t, s)
}

// The record is of the file and for the sum that are asked about.
func TestRecordOfAnotherSum(t *testing.T) {
	v1, v2 := random(size, 1), random(size, 2)
	s := newServer(t, v1)
	f := fileOf(t, v1, s)
	fetch(t, f, v1)
	f.MD5, f.SHA256 = md5Of(v2), sha256Of(v2)
	if st, err := Stat(f); err != nil || st.State != Wrong {
		t.Errorf("%+v, %v: want wrong", st, err)
	}
	os.WriteFile(recordPath(f.Path), []byte("{"), 0o666)
	if st, err := Stat(f); err != nil || st.State != Present {
		t.Errorf("%+v, %v: want present, the record is junk", st, err)
	}
}

func TestDamagedFileIsReplaced(t *testing.T) {
	content := random(size, 1)
	damaged := map[string][]byte{"same size": random(size, 2), "shorter": content[:1000], "empty": {}}
	for name, b := range damaged {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, content, status(404))
			f := fileOf(t, content, s)
			os.MkdirAll(filepath.Dir(f.Path), 0o777)
			os.WriteFile(f.Path, b, 0o666)
			if st, err := Check(t.Context(), f, ignore); err != nil || st.State != Wrong || st.Why == nil {
				t.Errorf("%+v, %v: want wrong, and why", st, err)
			}
			if _, err := quick.Fetch(t.Context(), f, ignore); err == nil {
				t.Fatal("no error")
			}
			wantFile(t, f.Path, b) // until there is a better one
			fetch(t, f, content)
		})
	}
}

func TestNoSumPublished(t *testing.T) {
	s := newServer(t, []byte("x"))
	f := plainFile(t, s)
	_, statErr := Stat(f)
	_, err := quick.Fetch(t.Context(), f, ignore)
	for _, err := range []error{statErr, err} {
		if err == nil || !strings.Contains(err.Error(), "no checksum is published") {
			t.Errorf("%v", err)
		}
	}
	wantRequests(t, s)
}
