#!/usr/bin/env bash
# Records the traces of the demo model anew: record.sh [FOLDER], this folder unless given. Traces are refused where there
# are files already, so move the old ones away. Texts go through the model token by token; only the sessions answer
# prompts. The order of requests that run together is the machine's, so those traces differ from run to run.
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
greenroom=$here/../../greenroom
texts=$here/../texts
out=${1:-$here}

record() {
    local name=$1
    shift
    "$greenroom" trace record --out "$out/$name.trace" --budget 25% --prefetch on "$@"
}

for part in train heldout; do
    all=("$texts"/{kjv,lexicon,java}-$part.txt)
    for domain in kjv lexicon java; do
        record "$domain-$part" --text "$texts/$domain-$part.txt" --tokens 640 --request-tokens 320
    done
    # A change of subject every 64 tokens.
    record "alternating-$part" --text "${all[@]}" --tokens 320 --request-tokens 64 --alternate
    # Long: requests of 512 tokens of each domain in turn, the first 64 read as a prompt; no experts but the chosen.
    record "long-$part" --text "${all[@]}" --tokens 1024 --request-tokens 512 --prompt-tokens 64 --alternate --top 4
    # Four at once, of different domains.
    record "concurrent-$part" --text "${all[@]}" --tokens 384 --request-tokens 128 --prompt-tokens 32 --alternate \
        --concurrent 4
done
# Answers, one at a time and four at once.
record session-train --prompts "$texts/prompts.txt" --max-tokens 40
record session-heldout --prompts "$texts/prompts-heldout.txt" --max-tokens 40
record session-concurrent --prompts "$texts/prompts.txt" --max-tokens 40 --concurrent 4
