/* Prints how many products of sums and scales were rounded, and how many are not the nearest 256th. */
#include <math.h>
#include <stdio.h>

#include "weightsep8.h"

int main(void) {
    unsigned long count = 0, wrong = 0;
    uint32_t seed = 1;
    int exponent, i;
    for (exponent = -70; exponent < 30; exponent++) {
        for (i = 0; i < 1000; i++, count++) {
            int32_t sum, got;
            long double want;
            float m;
            seed = seed * 1664525 + 1013904223;
            m = ldexpf(1 + (float)(seed >> 9) / 8388608, exponent);
            seed = seed * 1664525 + 1013904223;
            sum = (int32_t)(seed >> (1 + i % 31)) * (i % 2 == 0 ? 1 : -1);
            got = weightsep_times8(sum, weightsep_factor_of(m));
            want = floorl(fabsl((long double)sum * m) * 256 + 0.5L);
            if (want > 16777216) want = 16777216;
            /* From 2^14 on it may be less, but is more than any output. */
            if (exponent >= 14 && sum != 0 && (got < 0 ? -got : got) >= 1 << 22) {
                got = (int32_t)(sum < 0 ? -want : want);
            }
            wrong += got != (sum < 0 ? -want : want);
        }
    }
    printf("%lu %lu\n", count, wrong);
    return 0;
}
