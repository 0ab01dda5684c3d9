package memory

import (
	"testing"
	"testing/fstest"
)

func TestAvailable(t *testing.T) {
	const meminfo = "MemTotal: 9000 kB\nMemAvailable:    3000 kB\n"
	const status = "VmRSS:  500 kB\nRssAnon:\t  400 kB\n"
	for name, c := range map[string]struct {
		files map[string]string
		want  int64
	}{
		"no limit": {nil, 3400 << 10},
		"version 2": {map[string]string{"proc/self/cgroup": "0::/a/b\n",
			"sys/fs/cgroup/a/b/memory.max": "max\n", "sys/fs/cgroup/a/memory.max": "1000000\n"}, 1000000},
		"version 2 in a container": {map[string]string{"proc/self/cgroup": "0::/\n",
			"sys/fs/cgroup/memory.max": "2000000\n"}, 2000000},
		"version 1": {map[string]string{"proc/self/cgroup": "9:cpu:/c\n4:memory:/m/n\n0::/\n",
			"sys/fs/cgroup/memory/m/n/memory.limit_in_bytes": "1500000\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes":     "9223372036854771712\n"}, 1500000},
		"more than there is": {map[string]string{"proc/self/cgroup": "0::/\n",
			"sys/fs/cgroup/memory.max": "99000000000\n"}, 3400 << 10},
	} {
		root := fstest.MapFS{"proc/meminfo": {Data: []byte(meminfo)},
			"proc/self/status": {Data: []byte(status)}}
		for file, text := range c.files {
			root[file] = &fstest.MapFile{Data: []byte(text)}
		}
		if got, known := available(root); got != c.want || !known {
			t.Errorf("%s: %d, %v, want %d", name, got, known, c.want)
		}
	}
	if _, known := available(fstest.MapFS{}); known {
		t.Error("known where there is nothing to read")
	}
}
