"""Executes one notebook, a cell at a time, for execute.go.

Usage: driver.py SOURCE DIRECTORY EXECUTED

Commands come in on stdin, one a line: "next" executes the next cell, anything else, and
the end of the input, means stop. Events go out on file descriptor 3, one JSON object a
line. Whatever happens, the kernel is shut down and the notebook is written as far as it
got.
"""

import asyncio
import contextlib
import itertools
import json
import os
import re
import sys
import threading

import nbformat
import psutil
from nbclient import NotebookClient
from nbconvert.preprocessors.coalescestreams import CoalesceStreamsPreprocessor

KERNEL = "gonb"

events = os.fdopen(3, "w", encoding="utf-8")


def emit(event, **fields):
    with contextlib.suppress(BrokenPipeError):  # the reader is gone; stdin ends as well then
        events.write(json.dumps({"event": event, **fields}) + "\n")
        events.flush()


def read_commands(loop, commands):
    """Feeds the lines of stdin to commands, and None at their end."""
    for line in sys.stdin:
        loop.call_soon_threadsafe(commands.put_nowait, line.strip())
    loop.call_soon_threadsafe(commands.put_nowait, None)


class Client(NotebookClient):
    """Passes on what cells print while they run."""

    def process_message(self, msg, cell, cell_index):
        if msg["msg_type"] == "stream" and msg["content"]["name"] == "stdout":
            emit("printed", text=msg["content"]["text"])
        return super().process_message(msg, cell, cell_index)


def sections(notebook):
    """Names each cell of code by the heading above it, and by a number from the second one on."""
    names, heading, count = [], "the beginning", 0
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for text in re.findall(r"(?m)^#+ +(.+)$", cell.source):
                heading, count = re.sub(r"[*`]", "", text).strip(), 0
        if re.match("%[a-z]", cell.source):  # commands to the kernel
            names.append("set-up")
        else:
            count += cell.cell_type == "code"
            names.append(f"{heading} ({count})" if count > 1 else heading)
    return names


@contextlib.asynccontextmanager
async def kernel_of(client):
    """Runs the client's kernel. In the end nothing that it started is left running:
    GoNB does not always wait for gopls, nor for a cell that takes its time to stop."""
    started = []
    try:
        async with client.async_setup_kernel():
            pid = client.km.provisioner.pid
            try:
                yield pid
            finally:
                with contextlib.suppress(psutil.NoSuchProcess):
                    started = psutil.Process(pid).children(recursive=True)
    finally:
        for process in started:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()


async def run_cells(client, notebook):
    """Executes cells for as long as commands ask for it."""
    commands = asyncio.Queue()
    reader = threading.Thread(
        target=read_commands, args=(asyncio.get_running_loop(), commands), daemon=True
    )
    reader.start()
    cells = [
        (index, cell)
        for index, cell in enumerate(notebook.cells)
        if cell.cell_type == "code" and cell.source.strip()
    ]
    names = sections(notebook)
    async with kernel_of(client) as pid:
        emit("ready", cells=[names[index] for index, _ in cells], kernel=pid)
        for index, cell in cells:
            if await commands.get() != "next":
                return
            running = asyncio.ensure_future(client.async_execute_cell(cell, index))
            stop = asyncio.ensure_future(commands.get())
            await asyncio.wait({running, stop}, return_when=asyncio.FIRST_COMPLETED)
            if not running.done():
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)
                return
            stop.cancel()
            running.result()
            emit("done", source=cell.source, outputs=cell.outputs)


def gather_streams(outputs):
    """Puts the pieces of stdout, and those of stderr, together between displays.

    How the two interleave is a matter of timing: they come through different pipes.
    """
    gathered = []
    for is_stream, group in itertools.groupby(outputs, lambda o: o.output_type == "stream"):
        group = list(group)
        if is_stream:
            group.sort(key=lambda o: o.name, reverse=True)  # stdout first; the sort is stable
        gathered += group
    return gathered


def main(source, directory, executed):
    notebook = nbformat.read(source, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    resources = {"metadata": {"path": directory, "name": os.path.splitext(os.path.basename(source))[0]}}
    client = Client(
        notebook, kernel_name=KERNEL, timeout=None, allow_errors=True,
        record_timing=False, resources=resources,
    )
    try:
        asyncio.run(run_cells(client, notebook))
    except Exception as err:  # a dead kernel, mostly
        emit("error", text=f"{type(err).__name__}: {err}")
    # Progress bars print one line over and over; keep what a terminal would show at the end.
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = gather_streams(cell.outputs)
    notebook, _ = CoalesceStreamsPreprocessor(enabled=True).preprocess(notebook, resources)
    nbformat.write(notebook, executed)
    emit("saved")


main(*sys.argv[1:])
