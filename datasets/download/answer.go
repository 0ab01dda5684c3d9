package download

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// answer is what the head of a response says about its body.
type answer struct {
	from    int64 // offset of the body in the file
	nothing bool  // there is no byte at the offset asked for: the part is whole
	origin  origin
}

// readAnswer reads the head of the response to a request for a file from an offset
// on. A server may send the whole file instead; anything else is an error.
func readAnswer(resp *http.Response, from int64) (answer, error) {
	a := answer{origin: origin{
		ETag:     resp.Header.Get("ETag"),
		Modified: resp.Header.Get("Last-Modified"),
		Total:    -1,
	}}
	ranges := resp.Header.Get("Content-Range")
	switch resp.StatusCode {
	case http.StatusOK:
		a.origin.Total = resp.ContentLength
		return a, nil
	case http.StatusPartialContent:
		start, total, err := parseRange(ranges)
		if err == nil && start != from {
			err = fmt.Errorf("Content-Range %q: expected to start at %d", ranges, from)
		}
		if err != nil {
			return a, &failure{error: err, next: nextStart}
		}
		if total < 0 && resp.ContentLength >= 0 {
			total = start + resp.ContentLength
		}
		a.from, a.origin.Total = start, total
		return a, nil
	case http.StatusRequestedRangeNotSatisfiable:
		if from == 0 {
			break
		}
		total, ok := strings.CutPrefix(ranges, "bytes */")
		if n, err := strconv.ParseInt(total, 10, 64); ok && err == nil && n == from {
			a.from, a.nothing, a.origin.Total = from, true, n
			return a, nil
		}
		return a, &failure{
			error: fmt.Errorf("%s: Content-Range %q: no bytes from %d on", resp.Status, ranges, from),
			next:  nextStart,
		}
	}
	return a, badStatus(resp)
}

// badStatus tells what will pass from what will stay.
func badStatus(resp *http.Response) error {
	f := &failure{error: fmt.Errorf("HTTP status %s", resp.Status), next: nextNever}
	switch c := resp.StatusCode; {
	case c >= 500, c == http.StatusRequestTimeout, c == http.StatusTooManyRequests, c == http.StatusTooEarly:
		f.next, f.wait = nextMirror, retryAfter(resp.Header)
	}
	return f
}

// retryAfter is the pause that a server asks for, in seconds; dates are rare and
// taken for none.
func retryAfter(h http.Header) time.Duration {
	s, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || s < 0 {
		return 0
	}
	return time.Duration(s) * time.Second
}

// parseRange reads the header Content-Range of a partial answer, such as
// "bytes 100-199/1000". The total is -1 if it is "*".
func parseRange(s string) (start, total int64, err error) {
	bad := func() (int64, int64, error) {
		return 0, 0, fmt.Errorf("Content-Range %q: expected \"bytes FIRST-LAST/SIZE\"", s)
	}
	r, ok := strings.CutPrefix(s, "bytes ")
	span, size, ok2 := strings.Cut(r, "/")
	first, last, ok3 := strings.Cut(span, "-")
	if !ok || !ok2 || !ok3 {
		return bad()
	}
	start, err1 := strconv.ParseInt(first, 10, 64)
	end, err2 := strconv.ParseInt(last, 10, 64)
	total = -1
	var err3 error
	if size != "*" {
		total, err3 = strconv.ParseInt(size, 10, 64)
	}
	if err1 != nil || err2 != nil || err3 != nil || start < 0 || end < start || size != "*" && end >= total {
		return bad()
	}
	return start, total, nil
}
