"""Reads packs (FORMAT.md) with numpy alone: read.py FILE... writes every network's weights to FILE.NAME.f32."""
import hashlib
import json
import sys

import numpy as np

TYPES = {"F32": "<f4", "F16": "<f2", "I32": "<i4", "U16": "<u2", "U8": "u1", "I8": "i1"}


def unpack(pages, bits, size):
    """Stored pages or keys [n, ...] as code values, float32 [n, size]."""
    if bits >= 8:
        return pages.astype(np.float32)
    shifts = np.arange(0, 8, bits, dtype=np.uint8)
    codes = (pages[:, :, None] >> shifts & (1 << bits) - 1).reshape(len(pages), -1)[:, :size].astype(np.int32)
    if bits == 2:
        return codes.astype(np.float32) - np.float32(1.5)
    return ((codes ^ 8) - 8).astype(np.float32)


def scale_values(scales):
    if scales.dtype != np.uint8:
        return scales.astype(np.float32)
    m = (scales & 127).astype(np.float64)
    values = np.where(m == 0, 0, 2 ** ((m - 112) / 8)).astype(np.float32)
    return np.where(scales & 128, -values, values)


def read(path):
    raw = open(path, "rb").read()
    n = int.from_bytes(raw[:8], "little")
    header, data = json.loads(raw[8:8 + n]), raw[8 + n:]
    meta = header.pop("__metadata__")
    bare = raw.replace(meta["sha256"].encode(), b"0" * 64, 1)
    assert meta["weightsep"] == "2" and meta["sha256"] == hashlib.sha256(bare).hexdigest(), path
    t = {k: np.frombuffer(data[slice(*v["data_offsets"])], TYPES[v["dtype"]]).reshape(v["shape"]) for k, v in header.items()}
    f = json.loads(meta["format"])
    size, shared, bits = f["pageSize"], f["sharedPages"], f.get("precision") or 32
    pages = unpack(t["shared_pages"], bits, size)
    for network in json.loads(meta["networks"]):
        name = network["name"]
        table = t[name + "/table"].astype(np.int64)
        own = np.zeros((0, size), np.float32)
        if name + "/exclusive_pages" in t:
            own = unpack(t[name + "/exclusive_pages"], f.get("exclusivePrecision") or bits, size)
        weights = np.concatenate([pages, own])[table]
        if name + "/scales" in t:
            weights = weights * scale_values(t[name + "/scales"])[:, None]
        if name + "/keys" in t:
            weights[table < shared] *= unpack(t[name + "/keys"], f["keyPrecision"], size)
        yield name, weights.reshape(-1)[:network["weights"]].astype("<f4")


for path in sys.argv[1:]:
    for name, weights in read(path):
        weights.tofile(path + "." + name + ".f32")
