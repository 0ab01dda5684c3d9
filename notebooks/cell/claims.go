package cell

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/janpfeifer/gonb/gonbui"

	"weightsep/wslib/claims"
)

// Documented is the path of a file in results, where documented runs are.
func Documented(elem ...string) string {
	return filepath.Join(append([]string{Root(), "results"}, elem...)...)
}

// Claims displays every claim of the paper and of this project, with its verdict by the documented runs, and
// says how many are met.
func Claims() {
	paper, ours, err := claims.Documented(os.DirFS(Documented()))
	Check(err)
	_, tables, _ := strings.Cut(claims.Markdown(paper, ours), "\n## ") // the notebook has a title
	gonbui.DisplayMarkdown("## " + tables)
	gonbui.Sync()
	fmt.Printf("The paper's claims: %s\nOurs: %s\n", claims.Count(paper...), claims.Count(ours...))
}
