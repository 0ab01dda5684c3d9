package bootstrap_test

import (
	"context"
	"fmt"
	"log"

	"weightsep/wslib/bootstrap"
)

// One packing run, tested on 2,000 words of 40 speakers. Of each speaker's 50 words, one
// became wrong; of every fourth speaker's, all that were wrong became right.
func ExampleChanges() {
	n := bootstrap.Network{Name: "gsc", Pairs: make([]bootstrap.Pair, 1)}
	p := &n.Pairs[0]
	for i := range 2000 {
		speaker, word := i/50, i%50
		p.Before = append(p.Before, word >= 3)
		p.After = append(p.After, word >= 4 || word < 3 && speaker%4 == 0)
		n.Groups = append(n.Groups, int32(speaker))
	}
	r, err := bootstrap.Changes(context.Background(), []bootstrap.Network{n}, bootstrap.Options{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%+.2f points, 95 %% from %+.2f to %+.2f\n", r.Mean.Change, r.Mean.Low, r.Mean.High)
	// Output:
	// -0.50 points, 95 % from -1.25 to +0.40
}
