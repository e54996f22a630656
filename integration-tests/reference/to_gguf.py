"""Converts a Transformers folder of one of the four families to one GGUF file.

    python to_gguf.py FOLDER OUT.gguf [--type Q8_0] [--name "Greenroom demo"] [--licence apache-2.0]
"""
import argparse
import json
from pathlib import Path

from gguf import GGMLQuantizationType
from safetensors.numpy import load_file

import gguf_files


def main() -> None:
    p = argparse.ArgumentParser()
    p.add_argument("folder", type=Path)
    p.add_argument("out", type=Path)
    p.add_argument("--type", default="Q8_0")
    p.add_argument("--name", default="Greenroom demo")
    p.add_argument("--licence", default="apache-2.0")
    args = p.parse_args()
    state = {}
    for file in sorted(args.folder.glob("*.safetensors")):
        state |= load_file(file)
    config = json.loads((args.folder / "config.json").read_text())
    args.out.parent.mkdir(parents=True, exist_ok=True)
    gguf_files.write(args.out, state, config, GGMLQuantizationType[args.type], args.folder, args.name, args.licence)
    print(f"{args.out}: {args.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
