/* A firmware that asks every network of a pack what it makes of a sample. RAM holds one layer at a time. */
#include "packed.h"

static const weightsep_network *const networks[] = PACKED_NETWORKS;
static float layer[PACKED_LAYER], scratch[PACKED_SCRATCH], sample[PACKED_INPUT], outputs[PACKED_OUTPUT];

/* Where a debugger finds the classes, and how many networks are damaged. */
volatile uint32_t classes[sizeof networks / sizeof networks[0]], damaged;

static void read_sensor(float *values, uint32_t count) {
    while (count-- > 0) values[count] = 0.5f; /* the device's own */
}

int main(void) {
    uint32_t i, k, best;
    for (i = 0; i < sizeof networks / sizeof networks[0]; i++) {
        const weightsep_network *n = networks[i];
        if (weightsep_check(n) != WEIGHTSEP_WHOLE) {
            damaged++;
            continue;
        }
        read_sensor(sample, n->input);
        weightsep_run_layers(n, layer, sample, scratch, outputs);
        for (k = 1, best = 0; k < n->output; k++) {
            if (outputs[k] > outputs[best]) best = k;
        }
        classes[i] = best;
    }
    return damaged > 0;
}
