/* Prints what a program gets of all networks of packs.h in 8 bits. */
#include <stdio.h>

#include "packs.h"

static const weightsep_network8 *const all[] = {ALL_NETWORKS8};
static float values[MOST_INPUT], logits[MOST_OUTPUT];
static int8_t weights[MOST_WEIGHTS8], layer[MOST_LAYER8], sample[MOST_INPUT], scratch[MOST_SCRATCH];
static int8_t outputs[MOST_OUTPUT], again[MOST_OUTPUT];

/* untouched says that nobody wrote behind the first count values of an array that was 0x55 everywhere. */
static int untouched(const int8_t *v, uint32_t count, uint32_t most) {
    while (count < most && v[count] == 0x55) count++;
    return count == most;
}

static unsigned long crc(const int8_t *v, uint32_t count) {
    return (unsigned long)weightsep_crc((const uint8_t *)v, count);
}

int main(void) {
    uint32_t i, k;
    for (i = 0; i < sizeof all / sizeof all[0]; i++) {
        const weightsep_network8 *q = all[i];
        const weightsep_network *n = q->network;
        uint32_t seed = 1;
        int found;
        memset(weights, 0x55, sizeof weights);
        memset(layer, 0x55, sizeof layer);
        memset(sample, 0x55, sizeof sample);
        memset(scratch, 0x55, sizeof scratch);
        memset(again, 0x55, sizeof again);
        for (k = 0; k < n->input; k++) {
            seed = seed * 1664525 + 1013904223;
            values[k] = (float)(seed >> 8) / 16777216;
        }
        found = weightsep_switch8(q, weights, 0) || weightsep_switch8(q, weights, 1);
        weightsep_quantize8(q, values, sample);
        weightsep_run8(q, weights, sample, scratch, outputs);
        weightsep_run_layers8(q, layer, sample, scratch, again);
        weightsep_values8(q, outputs, logits);
        printf("%s %d %d %d %08lx %08lx", n->name, found,
               untouched(weights, q->weights, MOST_WEIGHTS8) && untouched(layer, q->layer, MOST_LAYER8) &&
                   untouched(sample, n->input, MOST_INPUT) && untouched(scratch, n->scratch, MOST_SCRATCH) &&
                   untouched(again, n->output, MOST_OUTPUT),
               memcmp(outputs, again, n->output) == 0, crc(weights, q->weights), crc(sample, n->input));
        for (k = 0; k < n->output; k++) printf(" %d %.6e", outputs[k], (double)logits[k]);
        /* What is far out, and what is no number. */
        for (k = 0; k < n->input; k++) {
            uint32_t bits = k % 3 == 0 ? 0x7fc00000 : k % 3 == 1 ? 0x7f800000 : 0xff800000;
            memcpy(&values[k], &bits, sizeof bits);
        }
        weightsep_quantize8(q, values, sample);
        weightsep_run8(q, weights, sample, scratch, outputs);
        printf(" %d\n", sample[0] == -128 && (n->input < 3 || (sample[1] == 127 && sample[2] == -128)));
    }
    return 0;
}
