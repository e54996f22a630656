"""Makes the dequantisation vectors of the kernel tests.

    python make_dequant_vectors.py

For each type, offload/src/test/resources/dequant/<type>.blocks holds raw blocks and <type>.f32 the values that the gguf
package reads from them, little-endian float32. The K, Q8_0 and Q4_0 files hold 48 blocks: 32 of random bits with a
random finite scale, then scales of zero, negative, subnormal and close to the largest half, and blocks of all-zero and
all-one bits; a few quantised from normal noise come last. F16 and BF16 hold every interesting bit pattern that is not a
NaN or an infinity.
Q2_G32 is a type of Greenroom's own; here it is decoded by its definition in
TensorType.java: a half d, then 32 numbers of 2 bits, element i in bits 2 (i / 8) and up of byte i mod 8.
"""
from pathlib import Path

import numpy as np
from gguf import GGML_QUANT_SIZES
from gguf import GGMLQuantizationType as T
from gguf.quants import dequantize

import gguf_files

OUT = Path(__file__).resolve().parent.parent.parent / "offload/src/test/resources/dequant"
# Byte offsets of the half-precision scales inside a block.
SCALES = {T.Q8_0: [0], T.Q4_0: [0], T.Q4_K: [0, 2], T.Q5_K: [0, 2], T.Q6_K: [208]}
EXTREME = np.array([0.0, -0.0, -0.01, 2 ** -24, -2 ** -20, 6e-5, 65504.0, -65504.0], np.float16)


def blocks(qtype: T, rng: np.random.Generator) -> np.ndarray:
    """-> uint8 [48, bytes of a block]"""
    size, width = GGML_QUANT_SIZES[qtype]
    out = rng.integers(0, 256, (48, width), dtype=np.uint8)
    out[40], out[41] = 0, 255
    scales = np.concatenate([(rng.standard_normal(32) * 10.0 ** rng.uniform(-4, 1, 32)).astype(np.float16), EXTREME,
                             np.array([1, 0.5], np.float16)])
    for offset in SCALES[qtype]:
        out[:42, offset:offset + 2] = scales[:, None].view(np.uint8)
    noise = rng.standard_normal((6, size)).astype(np.float32) * 0.05
    out[42:] = gguf_files.encode(noise, qtype)
    return out


def halves(qtype: T, rng: np.random.Generator) -> np.ndarray:
    """-> uint8 [n, 2]: every exponent with some mantissas, both signs."""
    bits = np.unique(np.concatenate([np.arange(0, 65536, 61), np.arange(0, 64), np.arange(32768, 32832),
                                     rng.integers(0, 65536, 512)])).astype(np.uint16)
    exponent = 0x7C00 if qtype == T.F16 else 0x7F80
    bits = bits[(bits & exponent) != exponent]
    return bits[:len(bits) // 32 * 32].reshape(-1, 1).view(np.uint8)


def decode_q2_g32(raw: np.ndarray) -> np.ndarray:
    """uint8 [n, 10] -> float32 [n, 32], a weight is d (2 q - 3)"""
    d = np.ascontiguousarray(raw[:, :2]).view(np.float16).astype(np.float32)
    q = np.concatenate([(raw[:, 2:] >> shift) & 3 for shift in (0, 2, 4, 6)], axis=1)
    return d * (2 * q.astype(np.float32) - 3)


def q2_g32(rng: np.random.Generator) -> np.ndarray:
    """-> uint8 [42, 10]"""
    out = rng.integers(0, 256, (42, 10), dtype=np.uint8)
    out[40], out[41] = 0, 255
    scales = np.concatenate([(rng.standard_normal(32) * 10.0 ** rng.uniform(-4, 0.5, 32)).astype(np.float16),
                             EXTREME, np.array([1, 0.5], np.float16)])
    out[:, :2] = scales.astype(np.float16)[:, None].view(np.uint8)
    return out


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    for qtype in (T.F16, T.BF16, T.Q8_0, T.Q4_0, T.Q4_K, T.Q5_K, T.Q6_K):
        rng = np.random.default_rng(1000 + int(qtype))
        if qtype in SCALES:
            raw = blocks(qtype, rng)
            values = dequantize(raw, qtype)
        else:
            raw = halves(qtype, rng).reshape(-1)
            values = dequantize(raw.view(np.float16) if qtype == T.F16 else raw, qtype)
        values = np.asarray(values, dtype="<f4").reshape(-1)
        assert np.isfinite(values).all()
        write(qtype.name.lower(), raw, values)
    raw = q2_g32(np.random.default_rng(2000))
    write("q2_g32", raw, decode_q2_g32(raw).astype("<f4").reshape(-1))


def write(name: str, raw: np.ndarray, values: np.ndarray) -> None:
    raw.tofile(OUT / f"{name}.blocks")
    values.tofile(OUT / f"{name}.f32")
    print(f"{name}: {raw.size} bytes, {values.size} values, largest {np.abs(values).max():.3g}")


if __name__ == "__main__":
    main()
