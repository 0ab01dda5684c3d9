package main

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weightsep/datasets"
)

func TestFetchTwo(t *testing.T) {
	b := newBench(t)
	b.publish("one", "two", "master.zip")
	b.want(b.call("cifar10", "esc10", "cifar10"), 0)
	b.wantFile("cifar10/one", "content of one")
	b.wantFile("cifar10/two", "content of two")
	b.wantFile("esc10/master.zip", "content of master.zip")
	b.wantAsked("GET /one", "GET /two", "GET /master.zip")
	b.wantOut("to download into "+b.data+": 28 B and 1 of unknown size\n", "cifar10/one: 14 B, verified\n",
		"esc10/master.zip: 21 B, verified\n")
	// Again: nothing to do, nobody is asked.
	b.want(b.call("cifar10", "esc10"), 0)
	b.wantAsked()
	b.wantOut("verified")
	if strings.Contains(b.out.String(), "to download") {
		t.Errorf("there is nothing to download:\n%s", &b.out)
	}
}

// Without names: all, and a word about the one that must be put there by hand.
func TestFetchAll(t *testing.T) {
	b := newBench(t)
	b.publish("one", "two", "master.zip", "a b%.zip")
	b.want(b.call(), 0)
	b.wantFile("hhar/a b%.zip", "content of a b%.zip")
	b.wantFile("esc10/master.zip", "content of master.zip")
	b.wantOut("obs: cannot be fetched; put a folder of images per class into " + filepath.Join(b.data,
		"obs") + ": Forward, Left, Right, Stop\n")
}

func TestByHand(t *testing.T) {
	b := newBench(t)
	b.want(b.call("obs"), 1)
	b.wantErr("no files to fetch for obs")
	b.write("obs/x", "")
	os.Remove(filepath.Join(b.data, "obs", "x"))
	b.want(b.call("obs"), 1)
	b.wantErr("no files to fetch for obs")
	b.write("obs/Left/1.png", "")
	b.want(b.call("obs"), 0)
	b.wantOut("present")
}

// One file that fails does not keep the others from coming, but the command fails.
func TestOneFails(t *testing.T) {
	b := newBench(t)
	b.publish("two", "master.zip")
	b.want(b.call("cifar10", "esc10"), 1)
	b.wantFile("cifar10/two", "content of two")
	b.wantFile("esc10/master.zip", "content of master.zip")
	b.wantErr(filepath.Join(b.data, "cifar10", "one"), b.url+"/one: HTTP status 404",
		"fetch: 1 of 3 files could not be fetched")
	if strings.Contains(b.err.String(), "by hand") {
		t.Errorf("no mirror has other bytes:\n%s", &b.err)
	}
}

// A fetch that fails leaves no folder of a dataset: one would count as the dataset, damaged.
func TestFailureLeavesNothing(t *testing.T) {
	b := newBench(t)
	b.want(b.call("cifar10", "esc10"), 1)
	if _, err := os.Stat(b.data); err == nil {
		t.Errorf("%s is left", b.data)
	}
	b.publish("two")
	b.want(b.call("cifar10", "esc10"), 1)
	entries, err := os.ReadDir(b.data)
	if err != nil || len(entries) != 1 || entries[0].Name() != "cifar10" {
		t.Errorf("%v, %v: want cifar10 alone", entries, err)
	}
}

// Addresses of https come first, but for a mirror that the user names.
func TestHTTPSFirst(t *testing.T) {
	b := newBench(t)
	b.app.sources = func(string) ([]datasets.Source, error) {
		return []datasets.Source{{File: "x", MD5: "00", URLs: []string{"http://a/x", "https://b/x"}}}, nil
	}
	b.want(b.call("-list", "esc10"), 0)
	b.wantOut("from https://b/x")
	b.want(b.call("-list", "-mirror", "http://m", "esc10"), 0)
	b.wantOut("from http://m/esc10/x")
}

func TestUnknownSize(t *testing.T) {
	b := newBench(t)
	b.publish("master.zip", "a b%.zip")
	b.want(b.call("esc10"), 0)
	b.wantOut("to download into "+b.data+": 0 B and 1 of unknown size\n", "?")
	b.data = t.TempDir()
	b.want(b.call("esc10", "hhar"), 0)
	b.wantOut(": 0 B and 2 of unknown size\n")
}

// Other bytes than the published ones are not taken, but stay where the user puts them.
func TestOtherBytes(t *testing.T) {
	b := newBench(t)
	b.files["/master.zip"] = "packed anew"
	b.want(b.call("esc10"), 1)
	place := filepath.Join(b.data, "esc10", "master.zip")
	b.wantErr("md5: expected", "put its file at "+place+" by hand")
	if _, err := os.Stat(place); err == nil {
		t.Errorf("%s is there", place)
	}
	b.write("esc10/master.zip", "packed anew")
	b.want(b.call("-list", "esc10"), 0)
	b.wantOut("present")
	b.want(b.call("esc10"), 1)
	b.wantFile("esc10/master.zip", "packed anew")
}

func TestTimeout(t *testing.T) {
	b := newBench(t)
	b.hook = func(w http.ResponseWriter, r *http.Request) bool {
		<-r.Context().Done()
		return true
	}
	b.want(b.call("-timeout", "20ms", "cifar10"), 1)
	b.wantErr("no byte for 20ms")
}

func TestDamagedIsReplaced(t *testing.T) {
	b := newBench(t)
	b.publish("one", "two")
	b.write("cifar10/one", "conTent of one")
	b.write("cifar10/two", "content")
	b.want(b.call("cifar10"), 0)
	b.wantOut("wrong, md5: expected", "wrong, size: expected 14, found 7")
	b.wantFile("cifar10/one", "content of one")
	b.wantFile("cifar10/two", "content of two")
}

// A mirror is laid out as the data directory is, and is asked first.
func TestMirror(t *testing.T) {
	b := newBench(t)
	b.publish("one", "two", "a b%.zip")
	b.files["/m/cifar10/one"] = "content of one"
	b.files["/m/hhar/a b%.zip"] = "content of a b%.zip"
	b.want(b.call("-mirror", b.url+"/no/", "-mirror", b.url+"/m", "cifar10", "hhar"), 0)
	b.wantAsked("GET /no/cifar10/one", "GET /m/cifar10/one",
		"GET /no/cifar10/two", "GET /m/cifar10/two", "GET /two",
		"GET /no/hhar/a b%.zip", "GET /m/hhar/a b%.zip")
}

func TestInterrupt(t *testing.T) {
	b := newBench(t)
	b.publish("one", "two")
	ctx, cancel := context.WithCancel(t.Context())
	b.hook = func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Content-Length", "14")
		io.WriteString(w, "content")
		http.NewResponseController(w).Flush()
		for r.Context().Err() == nil { // until the command has it: then a transfer is interrupted
			if info, err := os.Stat(filepath.Join(b.data, "cifar10", "one.part")); err == nil &&
				info.Size() == 7 {
				break
			}
		}
		cancel()
		<-r.Context().Done()
		return true
	}
	b.want(b.callContext(ctx, "cifar10"), 130)
	b.wantErr("interrupted", "the same command resumes")
	if n := strings.Count(b.err.String(), "fetch:"); n != 1 {
		t.Errorf("%d errors, want one:\n%s", n, &b.err)
	}
	b.wantAsked("GET /one") // and the next file was not begun
	b.want(b.call("-list", "cifar10"), 0)
	b.wantOut("missing, 7 B received")
	var ranges []string
	b.hook = func(w http.ResponseWriter, r *http.Request) bool {
		ranges = append(ranges, r.Header.Get("Range"))
		return false
	}
	b.want(b.call("cifar10"), 0)
	b.wantOut("missing, 7 B received", "to download into "+b.data+": 21 B\n")
	b.wantFile("cifar10/one", "content of one")
	if len(ranges) != 2 || ranges[0] != "bytes=7-" {
		t.Errorf("ranges %q, want the first to resume", ranges)
	}
}
