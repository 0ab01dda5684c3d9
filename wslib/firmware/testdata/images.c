/* Prints the class that every network of packs.h gives to each image of images.h, and its outputs. */
#include <stdio.h>

#include "packs.h"

#include "images.h"

static const weightsep_network *const all[] = {ALL_NETWORKS};
static float weights[MOST_WEIGHTS], layer[MOST_LAYER], sample[MOST_INPUT], scratch[MOST_SCRATCH];
static float outputs[MOST_OUTPUT], again[MOST_OUTPUT];

int main(void) {
    uint32_t i, j, k;
    for (i = 0; i < sizeof all / sizeof all[0]; i++) {
        const weightsep_network *n = all[i];
        /* Checked once, and not again where the program switches. */
        if (n->input != sizeof images[0] || weightsep_check(n) != WEIGHTSEP_WHOLE) return 1;
        if (weightsep_switch(n, weights, 0) != WEIGHTSEP_WHOLE) return 1;
        for (j = 0; j < sizeof images / sizeof images[0]; j++) {
            uint32_t best = 0;
            for (k = 0; k < n->input; k++) sample[k] = (float)images[j][k] / 255;
            weightsep_run(n, weights, sample, scratch, outputs);
            weightsep_run_layers(n, layer, sample, scratch, again);
            if (memcmp(outputs, again, n->output * sizeof again[0]) != 0) return 2;
            for (k = 1; k < n->output; k++) {
                if (outputs[k] > outputs[best]) best = k;
            }
            printf("%lu", (unsigned long)best);
            for (k = 0; k < n->output; k++) {
                uint32_t bits;
                memcpy(&bits, &outputs[k], sizeof bits);
                printf(" %08lx", (unsigned long)bits);
            }
            printf("\n");
        }
    }
    return 0;
}
