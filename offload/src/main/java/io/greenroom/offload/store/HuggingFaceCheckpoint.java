package io.greenroom.offload.store;

import com.google.gson.JsonElement;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Opens a folder as Transformers saves it: config.json and one or more safetensors files. */
final class HuggingFaceCheckpoint {

    static final String CONFIG = "config.json";
    static final String SINGLE = "model.safetensors";
    static final String INDEX = "model.safetensors.index.json";

    private static final long MAX_INDEX_BYTES = 64 << 20;

    private HuggingFaceCheckpoint() {}

    static Checkpoint open(Path folder) throws CheckpointException {
        HuggingFaceModel.Description model = HuggingFaceModel.read(folder.resolve(CONFIG));
        List<StoredTensor> stored =
                Files.exists(folder.resolve(INDEX))
                        ? sharded(folder)
                        : SafetensorsHeader.read(folder.resolve(SINGLE)).tensors();
        Map<String, StoredTensor> canonical = new HashMap<>();
        Problems problems = new Problems(folder);
        for (StoredTensor tensor : stored) {
            Optional<String> name = HuggingFaceNames.canonical(tensor.name());
            StoredTensor other = name.isEmpty() ? null : canonical.putIfAbsent(name.get(), tensor);
            if (other != null) {
                problems.add(
                        "tensors "
                                + other.name()
                                + " and "
                                + tensor.name()
                                + " are both "
                                + name.get());
            }
        }
        problems.throwIfAny();
        TokenizerFiles tokenizer = HuggingFaceTokenizer.read(folder, model.spec().vocabulary());
        return TensorAssembly.assemble(
                folder, model.spec(), canonical, tokenizer, model.tied(), model.qkvBias());
    }

    private static List<StoredTensor> sharded(Path folder) throws CheckpointException {
        Path index = folder.resolve(INDEX);
        Problems problems = new Problems(index);
        JsonFields fields = new JsonFields(StrictJson.readObject(index, MAX_INDEX_BYTES), problems);
        JsonElement map = fields.get("weight_map");
        if (map == null || !map.isJsonObject() || map.getAsJsonObject().isEmpty()) {
            throw new CheckpointException(
                    index, "\"weight_map\" is missing; expected tensor names with file names");
        }
        Map<String, String> fileOf = new HashMap<>();
        Map<String, SafetensorsHeader> headers = new TreeMap<>();
        for (Map.Entry<String, JsonElement> entry : map.getAsJsonObject().entrySet()) {
            String file =
                    JsonFields.isString(entry.getValue()) ? entry.getValue().getAsString() : "";
            if (!file.matches("[A-Za-z0-9_][A-Za-z0-9._-]{0,200}\\.safetensors")) {
                problems.add(
                        "\"weight_map\" puts "
                                + Untrusted.shown(entry.getKey())
                                + " in "
                                + Untrusted.shown(entry.getValue().toString())
                                + "; expected the name of a safetensors file in this folder");
                continue;
            }
            fileOf.put(entry.getKey(), file);
            if (!headers.containsKey(file)) {
                if (!Files.exists(folder.resolve(file))) {
                    throw new CheckpointException(
                            index, "the model's file " + file + " is missing in its folder");
                }
                headers.put(file, SafetensorsHeader.read(folder.resolve(file)));
            }
        }
        List<StoredTensor> tensors = new ArrayList<>();
        for (Map.Entry<String, SafetensorsHeader> header : headers.entrySet()) {
            for (StoredTensor tensor : header.getValue().tensors()) {
                if (fileOf.remove(tensor.name(), header.getKey())) {
                    tensors.add(tensor);
                }
            }
        }
        fileOf.forEach(
                (name, file) ->
                        problems.add(
                                "tensor "
                                        + Untrusted.shown(name)
                                        + " is not in "
                                        + file
                                        + ", as promised"));
        problems.throwIfAny();
        return tensors;
    }
}
