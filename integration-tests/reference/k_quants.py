"""Simple quantisers for the K types that the gguf package can only read.

They choose each sub-block's scale from its extremes instead of searching for the best one, as llama.cpp does: the files
are valid, their error is a little larger. Layouts are those of ggml; gguf's dequantize is the check (see self_test).
"""
import numpy as np
from gguf import GGMLQuantizationType as T
from gguf.quants import dequantize

BLOCK = 256


def _half(x):
    """float32 [n] -> float16 bytes [n, 2]."""
    return x.astype(np.float16).reshape(-1, 1).view(np.uint8)


def _divide(a, b):
    return np.divide(a, b, out=np.zeros(np.broadcast_shapes(a.shape, b.shape), np.float32), where=b != 0)


def _scales_and_minima(x, levels):
    """x [n, 8, 32] -> (d, dmin [n], 6-bit scale and min [n, 8], q [n, 8, 32]), x = d * scale * q - dmin * min."""
    low = np.minimum(x.min(-1), 0)
    scale = (x.max(-1) - low) / levels
    d = (scale.max(-1) / 63).astype(np.float16).astype(np.float32)
    dmin = (-low.min(-1) / 63).astype(np.float16).astype(np.float32)
    sc = np.clip(np.rint(_divide(scale, d[:, None])), 0, 63).astype(np.uint8)
    mn = np.clip(np.rint(_divide(-low, dmin[:, None])), 0, 63).astype(np.uint8)
    step, offset = (d[:, None] * sc)[..., None], (dmin[:, None] * mn)[..., None]
    q = np.clip(np.rint(_divide(x + offset, step)), 0, levels).astype(np.uint8)
    return d, dmin, sc, mn, q


def _pack_scales(sc, mn):
    """Eight 6-bit scales and minima in 12 bytes: the upper two bits of the last four ride on the first four."""
    return np.concatenate([(sc[:, :4] & 63) | (sc[:, 4:] >> 4 << 6), (mn[:, :4] & 63) | (mn[:, 4:] >> 4 << 6),
                           (sc[:, 4:] & 15) | (mn[:, 4:] & 15) << 4], -1).astype(np.uint8)


def _pack_nibbles(q):
    """q [n, 8, 32] of 4 bits -> bytes [n, 128]: sub-blocks 2j and 2j+1 share 32 bytes."""
    pairs = q.reshape(-1, 4, 2, 32)
    return (pairs[:, :, 0] | pairs[:, :, 1] << 4).reshape(-1, 128)


def q4_k(x):
    d, dmin, sc, mn, q = _scales_and_minima(x.reshape(-1, 8, 32), 15)
    return np.concatenate([_half(d), _half(dmin), _pack_scales(sc, mn), _pack_nibbles(q)], -1)


def q5_k(x):
    d, dmin, sc, mn, q = _scales_and_minima(x.reshape(-1, 8, 32), 31)
    high = np.bitwise_or.reduce((q >> 4) << np.arange(8, dtype=np.uint8)[None, :, None], axis=1)
    return np.concatenate([_half(d), _half(dmin), _pack_scales(sc, mn), high, _pack_nibbles(q & 15)], -1)


def q6_k(x):
    x = x.reshape(-1, 16, 16)
    top = np.take_along_axis(x, np.abs(x).argmax(-1)[..., None], -1)[..., 0]
    scale = top / -32  # the extreme value lands on -32, the longer side of the range
    d = (np.abs(scale).max(-1) / 127).astype(np.float16).astype(np.float32)
    sc = np.clip(np.rint(_divide(scale, d[:, None])), -128, 127).astype(np.int8)
    q = np.clip(np.rint(_divide(x, (d[:, None] * sc)[..., None])), -32, 31).astype(np.int8) + 32
    q = q.astype(np.uint8).reshape(-1, 2, 4, 32)  # two halves of four rows
    low = (q & 15).reshape(-1, 2, 2, 64)
    low = (low[:, :, 0] | low[:, :, 1] << 4).reshape(-1, 128)
    high = np.bitwise_or.reduce((q >> 4) << np.array([0, 2, 4, 6], np.uint8)[None, None, :, None], axis=2)
    return np.concatenate([low, high.reshape(-1, 64), sc.view(np.uint8), _half(d)], -1)


QUANTISERS = {T.Q4_K: q4_k, T.Q5_K: q5_k, T.Q6_K: q6_k}


def quantize(x: np.ndarray, qtype: T) -> np.ndarray:
    """float32 [..., columns], columns a multiple of 256 -> bytes [..., bytes of a row]."""
    assert x.shape[-1] % BLOCK == 0, x.shape
    return np.ascontiguousarray(QUANTISERS[qtype](x.astype(np.float32)).reshape(*x.shape[:-1], -1))


def self_test() -> None:
    x = np.random.default_rng(0).standard_normal((64, 512)).astype(np.float32)
    for qtype, limit in ((T.Q4_K, 0.09), (T.Q5_K, 0.045), (T.Q6_K, 0.025)):
        error = np.sqrt(np.mean((dequantize(quantize(x, qtype), qtype) - x) ** 2))
        print(f"{qtype.name}: error {error:.4f} of the standard deviation")
        assert error < limit


if __name__ == "__main__":
    self_test()
