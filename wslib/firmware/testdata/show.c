/* Prints what a program gets of all networks of packs.h, which the test writes. */
#include <stdio.h>

#include "packs.h"

static const weightsep_network *const all[] = {ALL_NETWORKS};
static float weights[MOST_WEIGHTS], layer[MOST_LAYER], sample[MOST_INPUT], scratch[MOST_SCRATCH];
static float outputs[MOST_OUTPUT], again[MOST_OUTPUT];

static unsigned long bits(float v) {
    uint32_t b;
    memcpy(&b, &v, sizeof b);
    return b;
}

/* ranges puts the weights together in ranges of 1 to 41 and says whether they are the same. */
static int ranges(const weightsep_network *n) {
    float part[41];
    uint32_t at, count = 0;
    for (at = 0; at < n->weights; at += count) {
        count = at % 41 + 1;
        if (count > n->weights - at) count = n->weights - at;
        weightsep_weights(n, at, count, part);
        if (memcmp(part, weights + at, count * sizeof part[0]) != 0) return 0;
    }
    return 1;
}

/* untouched says that nobody wrote behind the first count values of an array that was NaN everywhere. */
static int untouched(const float *values, uint32_t count, uint32_t most) {
    while (count < most && bits(values[count]) == 0xffffffff) count++;
    return count == most;
}

int main(void) {
    uint32_t i, k;
    for (i = 0; i < sizeof all / sizeof all[0]; i++) {
        const weightsep_network *n = all[i];
        uint32_t seed = 1;
        int found;
        memset(weights, 0xff, sizeof weights);
        memset(layer, 0xff, sizeof layer);
        memset(scratch, 0xff, sizeof scratch);
        memset(again, 0xff, sizeof again);
        found = weightsep_switch(n, weights, 1);
        for (k = 0; k < n->input; k++) {
            seed = seed * 1664525 + 1013904223;
            sample[k] = (float)(seed >> 8) / 16777216;
        }
        weightsep_run(n, weights, sample, scratch, outputs);
        weightsep_run_layers(n, layer, sample, scratch, again);
        printf("%s %d %d %d %d %08lx", n->name, found, ranges(n),
               untouched(weights, n->weights, MOST_WEIGHTS) && untouched(layer, n->layer, MOST_LAYER) &&
                   untouched(scratch, n->scratch, MOST_SCRATCH) && untouched(again, n->output, MOST_OUTPUT),
               memcmp(outputs, again, n->output * sizeof again[0]) == 0,
               (unsigned long)weightsep_crc((const uint8_t *)weights, n->weights * sizeof weights[0]));
        for (k = 0; k < n->output; k++) printf(" %08lx", bits(outputs[k]));
        for (k = 0; n->weights < 100 && k < n->weights; k++) printf(" %08lx", bits(weights[k]));
        printf("\n");
    }
    return 0;
}
