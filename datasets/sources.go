package datasets

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"
)

// Source is one of the files that a dataset's authors publish. Open expects it in
// the dataset's folder under the name File.
type Source struct {
	File   string   // name in the dataset's folder
	URLs   []string // where it is published, the best mirror first
	MD5    string   // in hex; empty if not known, or if SHA256 is
	SHA256 string   // in hex; empty if not known
	Size   int64    // in bytes; 0 if not known
}

// sourcesJSON lists the files by dataset. The sums and sizes are those that the authors give, or that
// several users of the files agree on. The first address of esc10 packs a branch anew when asked, so its
// bytes may change and a size is not given; the second keeps a copy of those with this sum.
//
//go:embed sources.json
var sourcesJSON []byte

// Sources returns the files of the named dataset that can be had from the network,
// none for obs: its folder of images per class has no lasting address. Those of
// mnist are for users who want the originals, Open does without.
//
// It is an error if the name is not one of [Names].
func Sources(name string) ([]Source, error) {
	var published map[string][]Source
	if err := json.Unmarshal(sourcesJSON, &published); err != nil {
		return nil, fmt.Errorf("datasets: sources.json: %w", err)
	}
	files, ok := published[name]
	if !ok {
		return nil, fmt.Errorf("datasets: unknown dataset %q: want one of %s",
			name, strings.Join(Names(), ", "))
	}
	return files, nil
}
