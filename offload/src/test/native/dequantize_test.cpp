#include "fixtures.h"

using namespace testing;

// The scalar decoder is compared with vectors of gguf-py by the Java tests.
TEST(dequantize, every_isa_decodes_the_same_bits) {
    Random random(2);
    for (int32_t type : kWeightTypes) {
        int block = greenroom::kBlockShapes[greenroom::type_index(type)].elements;
        for (int blocks = 1; blocks <= (block == 1 ? 3 * 32 + 1 : 4); blocks++) {
            int cols = blocks * block;
            Weights weights(type, 3, cols, random);
            for (int32_t isa : isas()) {
                Context kernels = context(1, isa);
                Floats out(size_t(cols) * 3);
                fill_nan(out);
                int32_t tokens[] = {2, 0, 2};
                gr_status status =
                        gr_embed(kernels.get(), &weights.matrix, tokens, 3, out.data());
                CHECK(status == GR_OK, "embed");
                for (int i = 0; i < 3; i++) {
                    std::vector<float> expected = weights.row(tokens[i]);
                    CHECK(same_bits(out.data() + size_t(i) * size_t(cols), expected.data(),
                                    size_t(cols)),
                          text(isa, "type, cols", type, cols));
                }
            }
        }
    }
}

TEST(dequantize, refuses_tokens_outside_the_table) {
    Random random(3);
    Weights weights(GR_Q8_0, 3, 32, random);
    Context kernels = context(1, GR_ISA_SCALAR);
    Floats out(32);
    for (int32_t token : {-1, 3}) {
        CHECK(gr_embed(kernels.get(), &weights.matrix, &token, 1, out.data()) == GR_BAD_ARGUMENT,
              std::to_string(token));
    }
}
