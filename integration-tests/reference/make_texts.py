"""Cuts the excerpts in integration-tests/texts from what prepare_data.py made.

    python make_texts.py WORK_FOLDER

For each domain whole documents, one after another, each with its <|endoftext|>: about 6200 tokens the model was trained
on, from a third of the way in, and about 8200 that were held out. Long Java files are passed over. The text is checked
to become the same tokens again.
"""
import argparse
from pathlib import Path

import numpy as np

import gguf_files

ROOT = Path(__file__).resolve().parent.parent
MODEL = ROOT / "demo-model/greenroom-demo-q8_0.gguf"
OUT = ROOT / "texts"
LONGEST = 4200
PARTS = [("train", "train", 6200, 0.37), ("valid", "heldout", 8200, 0.0)]


def main() -> None:
    p = argparse.ArgumentParser()
    p.add_argument("work", type=Path)
    work = p.parse_args().work
    tokenizer = gguf_files.tokenizer(MODEL)
    end = tokenizer.convert_tokens_to_ids("<|endoftext|>")
    OUT.mkdir(exist_ok=True)
    for domain in ["kjv", "lexicon", "java"]:
        for part, name, wanted, skipped in PARTS:
            ids = np.fromfile(work / "tokens" / f"{domain}.raw.{part}.bin", dtype=np.uint16).astype(int)
            ends = np.flatnonzero(ids == end) + 1
            taken, begin = [], 0
            for stop in ends:
                document, begin = ids[begin:stop], stop
                if stop - len(document) >= skipped * len(ids) and len(document) <= LONGEST:
                    taken.append(document)
                    if sum(map(len, taken)) >= wanted:
                        break
            tokens = np.concatenate(taken).tolist()
            text = tokenizer.decode(tokens, skip_special_tokens=False, clean_up_tokenization_spaces=False)
            assert tokenizer(text, add_special_tokens=False)["input_ids"] == tokens
            (OUT / f"{domain}-{name}.txt").write_text(text, encoding="utf-8", newline="")
            print(f"{domain}-{name}: {len(taken)} documents, {len(tokens)} tokens, {len(text.encode())} bytes")


if __name__ == "__main__":
    main()
