/* Prints the class of every sample of samples.h, a line a network. RAM holds one layer at a time. */
#include <stdio.h>

#include "packed.h"
#include "samples.h"

static const weightsep_network *const networks[] = PACKED_NETWORKS;
static const float *const samples[] = SAMPLES;
static float layer[PACKED_LAYER], scratch[PACKED_SCRATCH], outputs[PACKED_OUTPUT];

int main(void) {
    uint32_t i, s, k, best;
    for (i = 0; i < sizeof networks / sizeof networks[0]; i++) {
        const weightsep_network *n = networks[i];
        if (weightsep_check(n) != WEIGHTSEP_WHOLE) return 1;
        printf("%s", n->name);
        for (s = 0; s < SAMPLES_EACH; s++) {
            weightsep_run_layers(n, layer, samples[i] + s * n->input, scratch, outputs);
            for (k = 1, best = 0; k < n->output; k++) {
                if (outputs[k] > outputs[best]) best = k;
            }
            printf(" %lu", (unsigned long)best);
        }
        printf("\n");
    }
    return 0;
}
