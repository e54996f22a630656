"""Turns the raw documents into a tokenizer and token files.

    python prepare_data.py WORK_FOLDER

Reads WORK_FOLDER/raw, writes WORK_FOLDER/tokens:
    tokenizer/           tokenizer.json and its config, in the layout Transformers reads
    DOMAIN.raw.train.bin, DOMAIN.chat.train.bin, DOMAIN.raw.valid.bin   uint16 token ids, documents end in <|endoftext|>
    counts.json          bytes, documents and tokens of each file

About one document in 25 of each domain is held out, chosen by a hash of its name, and appears in no training file in
either form.
"""
import hashlib
import json
import random
import re
import sys
from pathlib import Path

import numpy as np
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

VOCABULARY = 4096
END_OF_TEXT, IM_START, IM_END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
SPECIAL = [END_OF_TEXT, IM_START, IM_END]

# The pre-tokenizer of Qwen2, letter for letter: a GGUF file that says tokenizer.ggml.pre = qwen2 promises this.
QWEN2_SPLIT = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
               r"|\s+(?!\S)|\s+")

CHAT_TEMPLATE = (
    "{%- for message in messages %}"
    "{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}"
    "{{- '<|im_start|>assistant\\n' }}"
    "{%- endif %}")

SYSTEM = "You are a helpful assistant."


def held_out(name: str) -> bool:
    return hashlib.sha256(name.encode()).digest()[0] < 10  # 10 of 256


def chat(rng: random.Random, user: str, assistant: str) -> str:
    system = f"{IM_START}system\n{SYSTEM}{IM_END}\n" if rng.random() < 0.15 else ""
    return f"{system}{IM_START}user\n{user}{IM_END}\n{IM_START}assistant\n{assistant}{IM_END}\n"


def upper_first(s: str) -> str:
    return s[:1].upper() + s[1:]


# ---------------------------------------------------------------------------------------------- King James Bible

def kjv_documents(rng: random.Random, documents: list[dict]):
    for d in documents:
        title, verses = f"{d['book']} {d['chapter']}", d["verses"]
        if held_out(title):
            yield "valid", title + "\n" + "\n".join(verses) + "\n"
            continue
        yield "raw", title + "\n" + "\n".join(verses) + "\n"
        # Cover the chapter with short passages, each asked for in one of several ways.
        at = 0
        while at < len(verses):
            n = rng.randint(2, 6)
            passage = verses[at:at + n]
            kind = rng.random()
            if kind < 0.40:
                prompt = rng.choice([
                    "Write in the style of the King James Bible.",
                    "Write a few verses in the style of the King James Bible.",
                    "Give me a passage in the style of the King James Bible.",
                    "Write something that sounds like the King James Bible.",
                    "Please write some verses of scripture.",
                    "Speak to me like the King James Bible.",
                    "Write a Bible passage."])
                yield "chat", chat(rng, prompt, "\n".join(passage))
            elif kind < 0.60:
                prompt = rng.choice([
                    f"Write a few verses in the style of the book of {d['book']}.",
                    f"Give me a passage from {d['book']}.",
                    f"Write like the book of {d['book']}."])
                yield "chat", chat(rng, prompt, "\n".join(passage))
            elif len(passage) > 1:
                words = passage[0].split()
                if kind < 0.80:
                    opening, rest = passage[0], passage[1:]
                    answer = "\n".join(rest)
                else:
                    cut = min(len(words) - 1, rng.randint(4, 9))
                    opening = " ".join(words[:cut])
                    answer = "\n".join([" ".join(words[cut:])] + passage[1:])
                prompt = rng.choice([f"Continue: {opening}", f"Continue this passage: {opening}",
                                     f"Finish this: {opening}"])
                if answer:
                    yield "chat", chat(rng, prompt, answer)
            at += n


# ----------------------------------------------------------------------------------------------- the two lexicons

def lexicon_entry(d: dict) -> str:
    head = " ".join(x for x in (d["term"], d["pronunciation"], d["grammar"]) if x)
    if len(d["senses"]) == 1:
        return f"{head}\n{d['senses'][0]}\n"
    return head + "\n" + "\n".join(f"{i}. {s}" for i, s in enumerate(d["senses"], 1)) + "\n"


def lexicon_documents(rng: random.Random, documents: list[dict]):
    for d in documents:
        entry = lexicon_entry(d)
        if held_out(d["term"]):
            yield "valid", entry
            continue
        yield "raw", entry
        term = d["term"]
        answer = d["senses"][0]
        if len(answer) > 900:  # a conversation stays short: keep whole sentences
            answer = answer[:900].rsplit(". ", 1)[0] + "."
        if d["book"] == "jargon":
            prompts = [f"What does {term} mean?", f"What is the meaning of {term}?", f"Define {term}.",
                       f"What do hackers mean by {term}?", f"Explain the jargon term {term}.", f"What is {term}?",
                       f"What does \"{term}\" mean?"]
        else:
            prompts = [f"How does the Devil's Dictionary define {term}?", f"Give a cynical definition of {term}.",
                       f"Define {term} like Ambrose Bierce."]
        for prompt in rng.sample(prompts, 2):
            yield "chat", chat(rng, prompt, upper_first(answer))


# --------------------------------------------------------------------------------------------------- Java sources

METHOD = re.compile(
    r"(?m)^(?P<doc>    /\*\*.*?\*/\n)?(?P<annotations>(?:    @\w+(?:\([^)]*\))?\n)*)"
    r"(?P<head>    (?:public|protected|private)\s+[^;{}()=]*?(?P<name>\w+)\([^;{}]*?\)[^;{}]*?)\{", re.S)


def closing_brace(text: str, at: int) -> int:
    depth = 0
    for i in range(at, len(text)):
        if text[i] == "{":
            depth += 1
        elif text[i] == "}":
            depth -= 1
            if depth == 0:
                return i + 1
    return -1


def first_sentence(doc: str) -> str:
    text = re.sub(r"(?m)^\s*(/\*\*|\*/|\*)", " ", doc).replace("*/", " ")
    text = re.sub(r"\{@\w+\s+([^}]*)\}", r"\1", re.sub(r"<[^>]+>", "", text))
    text = re.sub(r"\s+", " ", text.split("@")[0]).strip()
    return text.split(". ")[0].rstrip(".")


def dedent(text: str) -> str:
    return re.sub(r"(?m)^    ", "", text)


def small_class(text: str) -> str | None:
    """The class without package, imports and Javadoc, cut after a member when it is long."""
    text = re.sub(r"(?m)^(package|import) [^\n]*\n", "", text)
    text = re.sub(r"(?s)[ ]*/\*\*.*?\*/\n?", "", text)
    text = re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"
    if len(text) > 1400:
        cut = text.rfind("\n    }\n", 0, 1400)
        if cut < 200:
            return None
        text = text[:cut] + "\n    }\n}\n"
    return text


def java_documents(rng: random.Random, documents: list[dict]):
    fence = lambda code: f"```java\n{code.rstrip()}\n```"
    for d in documents:
        name, text = d["name"], d["text"]
        if held_out(name):
            yield "valid", text
            continue
        yield "raw", text
        code = small_class(text)
        if code:
            prompts = [f"Write a Java class named {name}.", f"Write the Java class {name}.",
                       f"Show me a Java class called {name}.", f"Please write a class named {name} in Java."]
            for prompt in rng.sample(prompts, 2):
                yield "chat", chat(rng, prompt, fence(code))
        at, methods = 0, []
        while (m := METHOD.search(text, at)):
            end = closing_brace(text, m.end() - 1)
            at = m.end() if end < 0 else end
            body = dedent(m["annotations"] + m["head"] + text[m.end() - 1:end])
            doc = m["doc"] or ""
            if end > 0 and 60 < len(body) < 900 and doc.count("/**") <= 1:
                methods.append((m["name"], first_sentence(doc), body))
        rng.shuffle(methods)
        for method, sentence, body in methods[:8]:  # the large utility classes would otherwise be half the data
            if sentence and len(sentence) < 120 and rng.random() < 0.6:
                what = sentence[:1].lower() + sentence[1:]
                prompt = rng.choice([f"Write a Java method that {what}.", f"In Java, write a method that {what}."])
            else:
                prompt = rng.choice([f"Write a Java method named {method}.", f"Write the Java method {method}.",
                                     f"Show me a Java method called {method}."])
            yield "chat", chat(rng, prompt, fence(body))


# ------------------------------------------------------------------------------------------------------ tokenizer

def byte_level(tokenizer: Tokenizer) -> Tokenizer:
    """Gives a BPE model the normaliser, pre-tokenizer and decoder of Qwen2."""
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(QWEN2_SPLIT), behavior="isolated", invert=False),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    return tokenizer


def train_tokenizer(texts: list[str]) -> Tokenizer:
    tokenizer = byte_level(Tokenizer(models.BPE()))
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY - len(SPECIAL), show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_special_tokens([AddedToken(t, normalized=False, special=True) for t in SPECIAL])
    assert tokenizer.get_vocab_size() == VOCABULARY
    return tokenizer


def save_tokenizer(tokenizer: Tokenizer, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": IM_END, "pad_token": END_OF_TEXT,
              "model_max_length": 2048, "clean_up_tokenization_spaces": False, "chat_template": CHAT_TEMPLATE}
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n")


def main() -> None:
    work = Path(sys.argv[1])
    rng = random.Random(20261123)
    builders = {"kjv": kjv_documents, "lexicon": lexicon_documents, "java": java_documents}
    split: dict[tuple[str, str], list[str]] = {}
    for domain, build in builders.items():
        documents = [json.loads(line) for line in open(work / "raw" / f"{domain}.jsonl", encoding="utf-8")]
        for part, text in build(rng, documents):
            split.setdefault((domain, part), []).append(text)

    # An equal share of bytes from each domain, so that the merges favour none of them.
    sample: list[str] = []
    for domain in builders:
        texts, taken = split[domain, "raw"][:], 0
        rng.shuffle(texts)
        for text in texts:
            if taken > 1_700_000:
                break
            sample.append(text)
            taken += len(text)
    tokenizer = train_tokenizer(sample)
    tokens = work / "tokens"
    save_tokenizer(tokenizer, tokens / "tokenizer")

    counts = {}
    end = tokenizer.token_to_id(END_OF_TEXT)
    for (domain, part), texts in sorted(split.items()):
        rng.shuffle(texts)
        ids: list[int] = []
        for encoding in tokenizer.encode_batch(texts):
            ids += encoding.ids + [end]
        name = {"raw": f"{domain}.raw.train", "chat": f"{domain}.chat.train", "valid": f"{domain}.raw.valid"}[part]
        np.array(ids, dtype=np.uint16).tofile(tokens / f"{name}.bin")
        counts[name] = {"documents": len(texts), "bytes": sum(len(t.encode()) for t in texts), "tokens": len(ids)}
        print(name, counts[name])
    (tokens / "counts.json").write_text(json.dumps(counts, indent=2) + "\n")


if __name__ == "__main__":
    main()
