package pipeline

import "weightsep/wslib/rundir"

// adopt copies a stage's files from the run that this one goes on from, from that of
// Options.Adopt, or from its pilot, where it was made from the very same things, and returns their
// names; none if it was not. So networks that stay need not be trained or looked into again.
func (r *Run) adopt(name, id string) (names []string, err error) {
	for _, dir := range []string{r.config.From, r.options.Adopt, r.Dir.File(rundir.PilotDir)} {
		if names == nil && err == nil && dir != "" {
			names, err = r.adoptFrom(dir, name, id)
		}
	}
	return names, err
}

func (r *Run) adoptFrom(dir, name, id string) ([]string, error) {
	from, err := rundir.OpenRead(dir)
	if err != nil {
		return nil, nil // what is wrong with it is said when it is needed
	}
	defer from.Close()
	stage, done := from.Stage(name)
	if !done || stage.ID != id || !owns(stage) || from.Check(name) != nil {
		return nil, nil // made anew
	}
	var names []string
	for file := range stage.Files {
		raw, err := from.Read(name, file)
		if err == nil {
			err = r.Dir.Write(file, raw)
		}
		if err != nil {
			return nil, err
		}
		names = append(names, file)
	}
	return names, nil
}
