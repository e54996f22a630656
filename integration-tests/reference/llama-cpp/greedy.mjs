// Greedy tokens of llama.cpp. Reads one JSON object from standard input:
//   {"model": path of a GGUF file, "prompts": [[token ids], ...], "tokens": how many to produce}
// and writes {"llamaCpp": version, "greedy": [[token ids], ...]} to standard output.
import {getLlama, getModuleVersion, LlamaLogLevel} from "node-llama-cpp";

const chunks = [];
for await (const chunk of process.stdin) {
    chunks.push(chunk);
}
const {model: modelPath, prompts, tokens} = JSON.parse(Buffer.concat(chunks).toString("utf8"));

// Processor only and as prebuilt: the comparison must not depend on what else a machine has.
const llama = await getLlama({gpu: false, build: "never", logLevel: LlamaLogLevel.error});
const model = await llama.loadModel({modelPath});
const longest = Math.max(...prompts.map((prompt) => prompt.length));
const context = await model.createContext({contextSize: longest + tokens + 8, sequences: 1, threads: 1});
const greedy = [];
for (const prompt of prompts) {
    const sequence = context.getSequence();
    const produced = [];
    // Also past an end token: the test compares what it has in common.
    for await (const token of sequence.evaluate(prompt, {
        temperature: 0, yieldEogToken: true
    })) {
        produced.push(Number(token));
        if (produced.length >= tokens || model.isEogToken(token)) {
            break;
        }
    }
    greedy.push(produced);
    sequence.dispose();
}
await context.dispose();
await model.dispose();
const llamaCpp = `${llama.llamaCppRelease.release} (node-llama-cpp ${await getModuleVersion()})`;
process.stdout.write(JSON.stringify({llamaCpp, greedy}));
await llama.dispose();
