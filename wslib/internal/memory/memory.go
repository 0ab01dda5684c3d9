// Package memory says how much memory there is.
package memory

import (
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
)

// Available is how many bytes of memory this process has or can get, as far as Linux tells; elsewhere it is
// not known.
func Available() (bytes int64, known bool) { return available(os.DirFS("/")) }

// available is what the machine has left and the process holds, which it can use again, but no more than
// the limits of its control groups (both versions) and of those above them.
func available(root fs.FS) (bytes int64, known bool) {
	free, known := field(root, "proc/meminfo", "MemAvailable:")
	if !known {
		return 0, false
	}
	held, _ := field(root, "proc/self/status", "RssAnon:")
	bytes = 1024 * (free + held)
	groups, _ := fs.ReadFile(root, "proc/self/cgroup")
	for line := range strings.Lines(string(groups)) {
		_, line, _ = strings.Cut(strings.TrimSpace(line), ":")
		kind, group, _ := strings.Cut(line, ":")
		dir, file := "sys/fs/cgroup", "memory.max"
		switch kind {
		case "":
		case "memory":
			dir, file = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
		default:
			continue
		}
		for group = path.Join("/", group); ; group = path.Dir(group) {
			raw, _ := fs.ReadFile(root, path.Join(dir, group, file))
			// "max" and files that there are not are no limits.
			if limit, err := strconv.ParseInt(strings.TrimSpace(string(raw)), 10, 64); err == nil {
				bytes = min(bytes, limit)
			}
			if group == "/" {
				break
			}
		}
	}
	return bytes, true
}

// field is the number after a name in a file of lines.
func field(root fs.FS, file, name string) (n int64, found bool) {
	raw, _ := fs.ReadFile(root, file)
	for line := range strings.Lines(string(raw)) {
		if words := strings.Fields(line); len(words) > 1 && words[0] == name {
			n, err := strconv.ParseInt(words[1], 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}
