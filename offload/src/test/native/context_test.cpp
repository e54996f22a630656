#include "fixtures.h"

using namespace testing;

TEST(context, refuses_bad_arguments_and_unknown_sets) {
    gr_context* created = nullptr;
    CHECK(gr_context_create(0, GR_ISA_SCALAR, GR_FLOAT32, &created) == GR_BAD_ARGUMENT, "threads");
    CHECK(gr_context_create(1, GR_ISA_SCALAR, 7, &created) == GR_BAD_ARGUMENT, "precision");
    CHECK(gr_context_create(1, 99, GR_FLOAT32, &created) == GR_UNSUPPORTED_ISA, "isa");
    CHECK(gr_context_create(1, GR_ISA_SCALAR, GR_FLOAT32, nullptr) == GR_BAD_ARGUMENT, "null");
    CHECK(created == nullptr, "nothing was made");
}

TEST(context, says_what_there_is) {
    CHECK(gr_isa_available() & 1u, "scalar is always there");
    CHECK(gr_abi_version() == GR_ABI_VERSION, "version");
    std::string names;
    for (int32_t isa : isas()) {
        names += " " + std::to_string(isa);
    }
    std::printf("instruction sets tested:%s\n", names.c_str());
}
