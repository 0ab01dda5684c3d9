// Package wslib is weight separation in Go: many small, different neural networks in one
// small memory, their architectures unchanged.
//
// [Pack] packs networks into a budget of bytes, [Open] reads what [Packed.Save] wrote,
// [Packed.Run] runs a network, [Packed.Add] packs one more. A [Network] is a GoMLX model
// function, a description or an ONNX file, with its [Samples]; [Options] has the budget.
// That is the whole public face. Below it is one package a stage, in this order:
//
//	network       networks of any kind; described ones have gradients written by hand
//	onnx          networks of ONNX files
//	baseline      the trained separate networks that come with the project
//	page          formation: weights to pages; page tables; the set of pages that is stored
//	fisher        how much each weight matters
//	separation    which pages stay a network's own
//	overlapping   which shared page each other page goes on
//	optimization  training the pages for all networks, or each network apart
//	execution     running from pages: switching by gathering
//	pack          all of it as one .safetensors file
//
// and around them pipeline (the stages strung together on a run directory), rundir, npy and
// setfiles (its files), score (networks over samples), budget (bytes to pages), grid (methods,
// budgets and seeds compared), bootstrap (intervals), figures (charts), tfcheckpoint (the
// original's trained networks) and ws (the command).
package wslib
