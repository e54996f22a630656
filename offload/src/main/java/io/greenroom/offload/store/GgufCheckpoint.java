package io.greenroom.offload.store;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Opens a model stored in one GGUF file, or split over several by llama.cpp's gguf-split. */
final class GgufCheckpoint {

    private static final Pattern SHARD = Pattern.compile("(.*)-(\\d{5})-of-(\\d{5})\\.gguf");
    private static final int MAX_SHARDS = 1024;

    private GgufCheckpoint() {}

    /** Shard number from 1, or empty if the name is not that of a shard. */
    static OptionalInt shardNumber(String fileName) {
        Matcher matcher = SHARD.matcher(fileName);
        return matcher.matches()
                ? OptionalInt.of(Integer.parseInt(matcher.group(2)))
                : OptionalInt.empty();
    }

    /**
     * @param location what the caller opened
     * @param first the file, or the first shard
     */
    static Checkpoint open(Path location, Path first, SideFiles beside) throws CheckpointException {
        GgufHeader header = GgufHeader.read(first);
        List<GgufHeader> shards = shards(header);
        Map<String, StoredTensor> tensors = new HashMap<>();
        Problems problems = new Problems(first);
        for (GgufHeader shard : shards) {
            for (StoredTensor tensor : shard.tensors()) {
                StoredTensor other = tensors.putIfAbsent(tensor.name(), tensor);
                if (other != null) {
                    problems.add(
                            "tensor "
                                    + tensor.name()
                                    + " is both in "
                                    + other.file().getFileName()
                                    + " and in "
                                    + tensor.file().getFileName());
                }
            }
        }
        problems.throwIfAny();
        StoredTensor embedding = tensors.get("token_embd.weight");
        ModelSpec spec = GgufModel.spec(first, header.metadata(), embedding);
        TokenizerFiles tokenizer =
                GgufModel.tokenizer(first, header.metadata(), spec.vocabulary(), beside);
        boolean qkvBias = spec.family() == ModelSpec.Family.QWEN2_MOE;
        return TensorAssembly.assemble(location, spec, tensors, tokenizer, null, qkvBias);
    }

    private static List<GgufHeader> shards(GgufHeader first) throws CheckpointException {
        Problems problems = new Problems(first.file());
        int count = first.metadata().integer("split.count", 0, MAX_SHARDS, problems).orElse(0);
        problems.throwIfAny();
        if (count <= 1) {
            return List.of(first);
        }
        Matcher name = SHARD.matcher(String.valueOf(first.file().getFileName()));
        if (!name.matches() || Integer.parseInt(name.group(3)) != count) {
            throw new CheckpointException(
                    first.file(),
                    "is part of a model split into "
                            + count
                            + " files; expected a name like "
                            + shardName("model", 1, count));
        }
        if (Integer.parseInt(name.group(2)) != 1) {
            throw new CheckpointException(
                    first.file(),
                    "is not the first file of a split model; open "
                            + shardName(name.group(1), 1, count));
        }
        checkNumber(first, 0);
        List<GgufHeader> shards = new ArrayList<>(List.of(first));
        for (int i = 1; i < count; i++) {
            Path file = first.file().resolveSibling(shardName(name.group(1), i + 1, count));
            if (!Files.exists(file)) {
                problems.add("the model's file " + file.getFileName() + " is missing");
                continue;
            }
            GgufHeader shard = GgufHeader.read(file);
            int itsCount = shard.metadata().requiredInteger("split.count", 1, MAX_SHARDS, problems);
            if (itsCount != count) {
                problems.add(
                        file.getFileName()
                                + " says split.count is "
                                + itsCount
                                + "; expected "
                                + count);
            }
            checkNumber(shard, i);
            shards.add(shard);
        }
        problems.throwIfAny();
        checkTensorCount(first, shards);
        return shards;
    }

    private static void checkNumber(GgufHeader shard, int expected) throws CheckpointException {
        Problems problems = new Problems(shard.file());
        int number = shard.metadata().requiredInteger("split.no", 0, MAX_SHARDS, problems);
        problems.throwIfAny();
        if (number != expected) {
            throw new CheckpointException(
                    shard.file(),
                    "metadata key split.no is "
                            + number
                            + "; expected "
                            + expected
                            + ", from the file's name");
        }
    }

    private static void checkTensorCount(GgufHeader first, List<GgufHeader> shards)
            throws CheckpointException {
        long found = shards.stream().mapToLong(shard -> shard.tensors().size()).sum();
        Problems problems = new Problems(first.file());
        int declared =
                first.metadata()
                        .requiredInteger("split.tensors.count", 0, Integer.MAX_VALUE, problems);
        if (!problems.any() && declared != found) {
            problems.add(
                    "metadata key split.tensors.count is "
                            + declared
                            + ", but the "
                            + shards.size()
                            + " files hold "
                            + found
                            + " tensors");
        }
        problems.throwIfAny();
    }

    private static String shardName(String prefix, int number, int count) {
        return String.format(Locale.ROOT, "%s-%05d-of-%05d.gguf", prefix, number, count);
    }
}
