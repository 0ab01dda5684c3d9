package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"weightsep/datasets/files"
)

// lab runs JupyterLab on copies of the notebooks until the user ends it.
func lab(ctx context.Context, env *environment, opts *options, stderr io.Writer) (err error) {
	sources, err := findNotebooks(env.notebooks())
	if err != nil {
		return err
	}
	dir := filepath.Join(opts.runDir, labDir)
	if err := copyNotebooks(sources, dir, stderr); err != nil {
		return err
	}
	tmp, err := newScratch(env.goes.tmp)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, tmp.close()) }()
	cmd := newCommand(ctx, env.python(), labArgs(opts.runDir, sources[0])...)
	cmd.Dir = opts.runDir
	config := filepath.Join(tmp.dir, "config")
	settings := filepath.Join(config, "labconfig", "default_setting_overrides.json")
	if err := os.MkdirAll(filepath.Dir(settings), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(settings, []byte(labSettings), 0o600); err != nil {
		return err
	}
	if own := os.Getenv("JUPYTER_CONFIG_PATH"); own != "" {
		config += string(filepath.ListSeparator) + own
	}
	cmd.Env = append(append(kernelEnv(env, opts), tmp.env()...), "JUPYTER_CONFIG_PATH="+config)
	cmd.Stdout, cmd.Stderr = stderr, stderr
	fmt.Fprintf(stderr, "Opening JupyterLab on copies of the notebooks, in %s; Ctrl-C ends it.\n"+
		"Profile %s, run %s; JupyterLab shows all of it, results one directory up from the copies.\n", dir,
		opts.profile, opts.runDir)
	if err := cmd.Run(); err != nil && ctx.Err() == nil {
		return fmt.Errorf("JupyterLab: %w", err)
	}
	return nil
}

// labDir is the directory of the copies in that of the run: beside what runs of all notebooks leave.
const labDir = "notebooks/lab"

// labSettings are defaults for who has not set them: JupyterLab fetches no news, nor asks whether to.
const labSettings = `{"@jupyterlab/apputils-extension:notification":
	{"fetchNews": "false", "checkForUpdates": false}}`

// labArgs are the arguments of Python for JupyterLab in runDir, with the copy of one notebook open.
func labArgs(runDir, open string) []string {
	args := []string{"-I", "-m", "jupyterlab", "--ServerApp.root_dir=" + runDir,
		"--LabApp.default_url=/lab/tree/" + labDir + "/" + url.PathEscape(filepath.Base(open)),
		"--ServerApp.use_redirect_file=False", "--ServerApp.log_level=WARN"}
	if os.Geteuid() == 0 {
		args = append(args, "--allow-root") // in a container, mostly
	}
	return args
}

// copyNotebooks copies the notebooks to dir. Copies that are there keep what was changed in them: what
// changed in the checkout as well comes beside them, under a new name, and out is told so.
func copyNotebooks(sources []string, dir string, out io.Writer) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, source := range sources {
		d, err := readDocument(source)
		if err != nil {
			return err
		}
		d.setCopyOf(d.hash())
		b, err := d.bytes()
		if err != nil {
			return err
		}
		name := filepath.Base(source)
		file := filepath.Join(dir, name)
		there, err := readDocument(file)
		var unread *fs.PathError // not: read, but no notebook
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case errors.As(err, &unread):
			return err
		case err == nil && there.copyOf() == d.hash():
			continue
		case err == nil && there.copyOf() == there.hash():
			fmt.Fprintf(out, "%s is new in the checkout; the copy was not changed, and is replaced.\n", name)
		default:
			newer := strings.TrimSuffix(name, ".ipynb") + "-" + d.hash()[:6] + ".ipynb"
			file = filepath.Join(dir, newer)
			if _, err := os.Stat(file); err == nil {
				continue
			}
			fmt.Fprintf(out, "%s is as you changed it; that of the checkout, which is another now, is %s.\n",
				name, newer)
		}
		if err := files.WritePath(file, b); err != nil {
			return err
		}
	}
	return nil
}

// hash is that of what a person wrote.
func (d document) hash() string {
	b, err := json.Marshal(d.content())
	if err != nil {
		panic(err) // texts and nothing else
	}
	return fmt.Sprintf("%x", sha256.Sum256(b))
}

// copyOf is the hash of the notebook that d was copied from; setCopyOf notes it.
func (d document) copyOf() string {
	ours, _ := d.metadata()["weightsep"].(map[string]any)
	return text(ours["copy_of"])
}

func (d document) setCopyOf(hash string) {
	d.metadata()["weightsep"] = map[string]any{"copy_of": hash}
}
