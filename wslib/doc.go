// Package wslib is weight separation in Go: many small, different neural networks
// in one small memory, their architectures unchanged.
//
// It holds no code itself. Its packages are the stages, in this order:
//
//	network       a network as data; its forward pass from one flat weight vector
//	baseline      training the separate networks; the ones that come with the project
//	page          formation: weights to pages; page tables; the set of pages that is stored
//	fisher        how much each weight matters
//	separation    which pages stay a network's own
//	overlapping   which shared page each other page goes on
//	optimization  training the pages for all networks
//	execution     running from pages: switching by gathering
//
// and around them rundir (files of a run), npy (files of arrays), pipeline (the
// stages strung together), budget (bytes to pages), grid (methods, budgets and seeds
// compared), comparison (other methods), bootstrap (intervals), figures (charts), tfcheckpoint (the original's trained
// networks) and ws (the command).
package wslib
