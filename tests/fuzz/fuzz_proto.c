/* Any bytes decode or are refused within the ceiling; what was decoded encodes,
 * decodes again, and takes part in differences, ranks and cuts. */
#include <stdlib.h>
#include <string.h>

#include "lib/profile/diff.h"
#include "lib/profile/proto.h"

#define CEILING_BYTES (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void require(bool held)
{
    if (!held)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static struct profile first, second, out;
    struct stack_delta top[8];
    struct buf one, two;
    struct errmsg e;
    if (!first.index) {
        require(profile_init(&first, CEILING_BYTES) == 0);
        require(profile_init(&second, 4 * CEILING_BYTES) == 0);
        require(profile_init(&out, 4 * CEILING_BYTES) == 0);
    }
    buf_init(&one, 4 * CEILING_BYTES);
    buf_init(&two, 4 * CEILING_BYTES);
    int r = proto_decode(&first, bytes, n, &e);
    require(first.bytes <= CEILING_BYTES);
    require(r == 0 || first.samples.n == 0);
    if (r == 0) {
        require(proto_encode(&first, &one) == 0);
        require(proto_decode(&second, one.p, one.len, &e) == 0);
        require(first.samples.n == second.samples.n);
        require(first.from_text == second.from_text);
        require(profile_diff(&out, &second, &second, DIFF_BASE, &e) == 0);
        require(out.samples.n == 0);
        require(profile_diff(&out, &first, NULL, DIFF_DIFF_BASE, &e) == 0);
        require(proto_encode(&out, &two) == 0);
        require(profile_rank(&first, &second, 0, top, 8, NULL) >= 0);
        require(profile_cut(&out, &first, 0, 3) == 0);
        require(out.samples.n <= 4);
    }
    buf_free(&one);
    buf_free(&two);
    return 0;
}
