package io.greenroom.offload.decoder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.greenroom.cache.ExpertId;
import io.greenroom.offload.kernel.TensorType;
import io.greenroom.offload.store.Checkpoint;
import io.greenroom.offload.store.Checkpoints;
import io.greenroom.offload.store.ExpertLayout;
import io.greenroom.offload.store.ModelSpec;
import io.greenroom.offload.store.ModelSpec.Family;
import io.greenroom.offload.synthetic.Geometry;
import io.greenroom.offload.synthetic.ModelWriter;
import io.greenroom.offload.synthetic.Recipe;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What the probes do, not how long it takes them. */
@Timeout(60)
class SpeedProbesTest {

    @TempDir private Path folder;
    private Path file = Path.of("");

    @BeforeEach
    void makeAModel() throws IOException {
        file = folder.resolve("model.gguf");
        ModelWriter.write(
                new Recipe(Geometry.small(Family.QWEN2_MOE), TensorType.Q8_0, 5, 0, 0.9),
                file,
                1,
                (done, total) -> {});
    }

    @Test
    void computingReadsNothing() throws Exception {
        Checkpoint checkpoint = Checkpoints.open(file);
        wipeWeights();
        ComputeProbe probe = ComputeProbe.of(checkpoint, ModelOptions.defaults(), 1);
        assertThat(probe.tokenSeconds().count()).isGreaterThanOrEqualTo(5);
        assertThat(probe.tokenSeconds().median()).isPositive();
        assertThat(probe.expertSeconds()).isPositive();
    }

    @Test
    void everyExpertOfEveryTokenIsRead() throws Exception {
        Checkpoint checkpoint = Checkpoints.open(file);
        ModelSpec spec = checkpoint.spec();
        MissProbe probe = MissProbe.of(checkpoint, ModelOptions.defaults(), 1);
        ExpertLayout layout = ExpertLayout.of(checkpoint);
        long bytes = 0;
        for (int layer = 0; layer < spec.layers(); layer++) {
            bytes += spec.expertsPerToken() * layout.expertBytes(new ExpertId(layer, 0));
        }
        assertThat(probe.bytesPerToken()).isGreaterThanOrEqualTo(bytes).isLessThan(2 * bytes);
        assertThat(probe.tokenSeconds().median()).isPositive();
    }

    @Test
    void anExpertThatCannotBeReadIsToldWithItsReason() throws Exception {
        Checkpoint checkpoint = Checkpoints.open(file);
        wipeWeights();
        assertThatIllegalStateException()
                .isThrownBy(() -> MissProbe.of(checkpoint, ModelOptions.defaults(), 1))
                .withMessageContaining("could not be measured");
    }

    /** What was opened stays open; most of it is gone. */
    private void wipeWeights() throws IOException {
        try (RandomAccessFile bytes = new RandomAccessFile(file.toFile(), "rw")) {
            bytes.setLength(bytes.length() / 8);
        }
    }
}
