package cell

import (
	"fmt"

	"github.com/janpfeifer/gonb/gonbui"

	"weightsep/wslib/claims"
)

// Claims displays every claim of the paper and of this project, with its verdict by the documented runs, and
// says how many are met.
func Claims() {
	paper, ours, err := claims.Documented(Documented())
	if err != nil {
		panic(err)
	}
	gonbui.DisplayMarkdown(claims.Markdown(paper, ours))
	gonbui.Sync()
	fmt.Printf("The paper's claims: %s\nOurs: %s\n", claims.Count(paper...), claims.Count(ours...))
}
