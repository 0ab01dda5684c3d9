/* Runs a network, whose number it is given, on samples from stdin, in float32 and in 8 bits: outputs of both. */
#include <stdio.h>
#include <stdlib.h>

#include "packs.h"

static const weightsep_network8 *const all[] = {ALL_NETWORKS8};
static float weights[MOST_WEIGHTS], scratch[MOST_SCRATCH], sample[MOST_INPUT], outputs[MOST_OUTPUT];
static int8_t weights8[MOST_WEIGHTS], scratch8[MOST_SCRATCH], sample8[MOST_INPUT], outputs8[MOST_OUTPUT];

int main(int count, char **arguments) {
    const weightsep_network8 *q = all[count > 1 ? atoi(arguments[1]) : 0];
    const weightsep_network *n = q->network;
    if (weightsep_switch(n, weights, 1) != 0 || weightsep_switch8(q, weights8, 1) != 0) return 1;
    while (fread(sample, sizeof sample[0], n->input, stdin) == n->input) {
        weightsep_run(n, weights, sample, scratch, outputs);
        fwrite(outputs, sizeof outputs[0], n->output, stdout);
        weightsep_quantize8(q, sample, sample8);
        weightsep_run8(q, weights8, sample8, scratch8, outputs8);
        weightsep_values8(q, outputs8, outputs);
        fwrite(outputs, sizeof outputs[0], n->output, stdout);
    }
    return 0;
}
