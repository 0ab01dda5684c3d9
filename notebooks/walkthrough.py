"""Writes executed notebooks as one page that needs nothing from elsewhere, for run.go.

Usage: walkthrough.py PAGE NOTEBOOKS PROFILE EXECUTED...

NOTEBOOKS is the directory that links in the notebooks are relative to. Of the executed notebooks, those
that are missing were not run.
"""

import base64
import html
import mimetypes
import os
import re
import sys
from urllib.parse import quote, unquote

import mistune
import nbformat
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import GoLexer

CSS = """
:root { color-scheme: light dark; --text: #1f2328; --quiet: #59636e; --page: #fff; --box: #f4f6f8;
  --line: #d1d9e0; --link: #0757ba; --good: #116329; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --text: #e2e6ea; --quiet: #a3acb6; --page: #14181d;
  --box: #1f252c; --line: #3a424c; --link: #7db7ff; --good: #62c073; --bad: #ff938a; } }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body { margin: 0; background: var(--page); color: var(--text); overflow-wrap: break-word;
  font: 17px/1.6 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", Arial, sans-serif; }
main { max-width: 46rem; margin: 0 auto; padding: 0 16px 4rem; }
h1, h2, h3 { line-height: 1.25; text-wrap: balance; }
h1 { font-size: 2rem; margin: 2rem 0 1rem; }
h2 { font-size: 1.65rem; margin: 4rem 0 1rem; padding-top: 1.5rem; border-top: 1px solid var(--line); }
h3 { font-size: 1.25rem; margin: 2.5rem 0 .75rem; }
a { color: var(--link); }
code, pre { font: .85em/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; }
pre { overflow-x: auto; margin: .75rem 0; padding: .75rem; background: var(--box); border-radius: 6px; }
pre code { font: inherit; }
pre.failed { border-left: 4px solid var(--bad); }
details { margin: .75rem 0; color: var(--quiet); }
summary { cursor: pointer; font-size: .85rem; }
details pre { color: var(--text); }
.wide { overflow-x: auto; margin: .75rem 0; }
table { border-collapse: collapse; font-size: .88rem; line-height: 1.4;
  font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .75rem .3rem 0; border-bottom: 1px solid var(--line); text-align: left;
  vertical-align: top; overflow-wrap: normal; }
td.one { white-space: nowrap; }
th { color: var(--quiet); font-weight: 600; vertical-align: bottom; }
ul.claims { list-style: none; margin: .75rem 0; padding: 0; font-size: .92rem; }
ul.claims li { padding-left: 1.5em; text-indent: -1.5em; }
ul.claims b { display: inline-block; width: 1.5em; text-indent: 0; color: var(--good); }
ul.claims b.bad { color: var(--bad); }
figure { margin: 1rem 0; padding: 6px; background: #fff; border-radius: 6px; }
figure svg, figure img { display: block; max-width: 100%; height: auto; margin: 0 auto; }
nav.contents ol { padding-left: 0; list-style: none; }
nav.contents ol ol { padding-left: 1.25rem; font-size: .9rem; }
nav.contents li { margin: .2rem 0; }
nav.turn { display: flex; flex-wrap: wrap; justify-content: space-between; gap: .5rem 2rem;
  margin-top: 3rem; }
@media (min-width: 75rem) {
  body { display: grid; grid-template-columns: 19rem minmax(0, 1fr); }
  nav.contents { position: sticky; top: 0; box-sizing: border-box; height: 100vh; overflow-y: auto;
    padding: 1.5rem 1rem 1rem 1.5rem; border-right: 1px solid var(--line); font-size: .92rem;
    line-height: 1.4; }
  nav.contents h1 { font-size: 1.35rem; margin-top: 0; }
  main { width: 46rem; }
  section:first-child h2:first-child { border: 0; margin-top: 0; }
}
@media (min-width: 48rem) { pre { white-space: pre-wrap; } }
@media (max-width: 47.99rem) { table { font-size: .8rem; } }
@media (max-width: 74.99rem) { nav.contents { max-width: 46rem; margin: 0 auto; padding: 0 16px; } }
@media print { details, nav.turn { display: none; } h2 { break-before: page; } }
"""

ESCAPE = re.compile("\x1b\\[[0-9;]*[A-Za-z]")
# Cells of tables that stay on one line: a kind of data, a change with its interval.
UNBROKEN = re.compile(r"<td((?: [^>]*)?>(?:<strong>)?(?:stand-in|[+-][\d.]+ \([+-][\d.]+ to [+-][\d.]+\))<)")
HEADING = re.compile(r"<h[1-6][^>]*>(.*?)</h[1-6]>", re.S)


def joined(text):
    return text if isinstance(text, str) else "".join(text)


def plain(markup):
    return html.unescape(re.sub("<[^>]*>", "", markup)).strip()


class Page:
    """What the whole page has in common: styles of charts, each once, and where links lead."""

    def __init__(self, path, notebooks, executed):
        self.beside, self.notebooks = os.path.dirname(os.path.abspath(path)), notebooks
        self.names = {os.path.basename(e) for e in executed}
        self.styles = {}

    def link(self, url):
        """Makes a link of a notebook one of the page."""
        name = unquote(url.partition("#")[0])
        if not name or "://" in url or url.startswith("mailto:"):
            return url
        if name in self.names:
            return "#" + name.removesuffix(".ipynb")
        return quote(os.path.relpath(os.path.join(self.notebooks, name), self.beside))

    def style(self, match):
        return f'class="s{self.styles.setdefault(match[1], len(self.styles))}"'

    def svg(self, text, title):
        """A chart as part of the page. Its own title stands for it, or else that of its place."""
        text = re.sub(r"<\?.*?\?>|<!DOCTYPE[^>]*>|<!--.*?-->", "", text, flags=re.S).strip()
        start, end = text.index("<svg"), text.index(">", text.index("<svg"))
        tag, rest = text[start:end], text[end:]
        if "viewBox" not in tag and (size := re.findall(r' (?:width|height)="([\d.]+)(?:px)?"', tag)):
            tag += f' viewBox="0 0 {" ".join(size)}"'
        if "role=" not in tag:
            tag += ' role="img"'
        if "<title" not in rest:
            rest = f"><title>{html.escape(title)}</title>" + rest[1:]
        return "<figure>" + re.sub(r'style="([^"]*)"', self.style, tag + rest) + "</figure>\n"

    def picture(self, kind, data, title):
        return f'<figure><img alt="{html.escape(title)}" src="data:{kind};base64,{data}"></figure>\n'


class Renderer(mistune.HTMLRenderer):
    """Markdown of a chapter: its headings go one level down and get ids, its pictures come along."""

    def __init__(self, page, chapter):
        super().__init__(escape=False)
        self.page, self.chapter, self.sections = page, chapter, []

    def heading(self, text, level, **attrs):
        if level == 1:
            return f'<h2 id="{self.chapter}">{text}</h2>\n'
        name = f"{self.chapter}-{len(self.sections) + 1}"
        self.sections.append((name, text))
        return f'<h{level + 1} id="{name}">{text}</h{level + 1}>\n'

    def link(self, text, url, title=None):
        return super().link(text, self.page.link(url), title)

    def image(self, text, url, title=None):
        file = os.path.join(self.page.notebooks, unquote(url))
        if not os.path.isfile(file):
            return super().image(text, self.page.link(url), title)
        with open(file, "rb") as f:
            content = f.read()
        if url.endswith(".svg"):
            return self.page.svg(content.decode(), plain(text))
        kind, data = mimetypes.guess_type(file)[0], base64.b64encode(content).decode()
        return self.page.picture(kind, data, plain(text))

    def block_code(self, code, info=None):
        return f"<pre><code>{html.escape(code)}</code></pre>\n"


def printed(text):
    """What a cell printed: claims as a list that wraps, each with the lines below it that are indented, all
    else as it stands."""
    parts = []
    text = re.sub(r"(?m)^([✓✗–] .*)\n  (?=\S)", r"\1: ", ESCAPE.sub("", text).rstrip("\n"))
    for is_claim, lines in grouped(text.split("\n")):
        if is_claim:
            items = "".join(f'<li><b{" class=bad" * (l[0] == "✗")}>{l[0]}</b>{html.escape(l[2:])}</li>'
                            for l in lines)
            parts.append(f'<ul class="claims">{items}</ul>\n')
        elif any(l.strip() for l in lines):
            parts.append(f"<pre>{html.escape(chr(10).join(lines))}</pre>\n")
    return "".join(parts)


def grouped(lines):
    groups = []
    for line in lines:
        is_claim = line.startswith(("✓ ", "✗ ", "– "))
        if not groups or groups[-1][0] != is_claim:
            groups.append((is_claim, []))
        groups[-1][1].append(line)
    return groups


def shown(output, markdown, page, title):
    """An output of a cell."""
    if output.output_type == "stream":
        return printed(joined(output.text))
    if output.output_type == "error":
        text = joined(output.evalue) + "\n" + "\n".join(output.traceback)
        return f'<pre class="failed">{html.escape(ESCAPE.sub("", text).strip())}</pre>\n'
    data = output.data
    if "image/svg+xml" in data:
        return page.svg(joined(data["image/svg+xml"]), title)
    for kind in ("image/png", "image/jpeg"):
        if kind in data:
            return page.picture(kind, joined(data[kind]).replace("\n", ""), title)
    if "text/markdown" in data:
        return markdown(joined(data["text/markdown"]))
    if "text/html" in data:
        return f'<div class="wide">{joined(data["text/html"])}</div>\n'
    return printed(joined(data.get("text/plain", "")))


def chapter(page, path):
    """A notebook: its name, title, sections (name and title of each), and all of it, as HTML."""
    name = os.path.basename(path).removesuffix(".ipynb")
    renderer = Renderer(page, name)
    to_html = mistune.create_markdown(renderer=renderer, plugins=["table", "strikethrough"])

    def markdown(text):
        scrolled = r'<div class="wide" tabindex="0">\g<0></div>'
        return re.sub(r"(?s)<table>.*?</table>", scrolled, UNBROKEN.sub(r'<td class="one"\1', to_html(text)))

    body, title, first = [], name, None  # title is that of the nearest heading
    for cell in nbformat.read(path, as_version=4).cells:
        source = joined(cell.source)
        if cell.cell_type == "markdown":
            body.append(markdown(source))
            for heading in HEADING.findall(body[-1]):
                title = plain(heading)
                first = first or title
        elif cell.cell_type == "code" and source.strip():
            lines = source.count("\n") + 1
            code = highlight(source, GoLexer(), HtmlFormatter(nowrap=True))
            outputs = "".join(shown(o, markdown, page, title) for o in cell.outputs)
            setup = re.match("%[a-z]", source)  # commands to the kernel, whose answers are for nobody's eyes
            body.append(f'<details><summary>{"set-up" if setup else "code"}, {lines} '
                        f'line{"s" * (lines > 1)}</summary><pre class="code"><code>{code}</code></pre>'
                        f'{outputs if setup else ""}</details>\n{"" if setup else outputs}')
    if not first:
        body.insert(0, f'<h2 id="{name}">{html.escape(name)}</h2>\n')
    return name, html.escape(first or name), renderer.sections, "".join(body)


def colors(style):
    """The colors of code, without backgrounds."""
    rules = HtmlFormatter(style=style).get_style_defs(".code").splitlines()
    rules = [re.sub(r"/\*.*", "", r) for r in rules if r.startswith(".code .") and "background" not in r]
    return "\n".join(rules)


def main(path, notebooks, profile, *executed):
    page = Page(path, notebooks, executed)
    chapters = [chapter(page, e) for e in executed if os.path.exists(e)]
    missing = [os.path.basename(e) for e in executed if not os.path.exists(e)]
    contents, body = "", ""
    for i, (name, title, sections, text) in enumerate(chapters):
        inner = "".join(f'<li><a href="#{n}">{t}</a></li>' for n, t in sections)
        contents += f'<li><a href="#{name}">{title}</a>{f"<ol>{inner}</ol>" if inner else ""}</li>\n'
        before = "".join(f'<a rel="prev" href="#{c[0]}">← {c[1]}</a>' for c in chapters[:i][-1:])
        after = "".join(f'<a rel="next" href="#{c[0]}">{c[1]} →</a>' for c in chapters[i + 1 :][:1])
        turn = f'{before}<a href="#contents">Contents</a>{after}'
        turn = f'<nav class="turn" aria-label="chapters">{turn}</nav>'
        body += f'<section aria-labelledby="{name}">\n{text}{turn}\n</section>\n'
    note = f"<p>Numbers and charts are of one run in the <em>{html.escape(profile)}</em> profile.</p>\n"
    if missing:
        names = html.escape(", ".join(missing))
        note += f"<p><strong>The run is not complete.</strong> Not run: {names}.</p>\n"
    styles = "".join(f".s{n}{{{s}}}\n" for s, n in page.styles.items())
    with open(path, "w", encoding="utf-8") as f:
        f.write(f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Weight separation: the walkthrough</title>
<link rel="icon" href="data:,">
<style>{CSS}
{colors("default")}
@media (prefers-color-scheme: dark) {{
{colors("github-dark")}
}}
{styles}</style>
</head>
<body>
<nav class="contents" id="contents" aria-label="contents">
<h1>Weight separation: the walkthrough</h1>
{note}<ol>
{contents}</ol>
</nav>
<main>
{body}</main>
</body>
</html>
""")


main(*sys.argv[1:])
