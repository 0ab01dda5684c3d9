/* Counts what the networks of packs.h take, with SysTick: ticks of its clock. Where QEMU runs this with
 * -icount shift=0, an instruction is a nanosecond, and ticks are as many instructions as the first line says:
 * those of 4 million instructions. */
#include <stdio.h>

#include "packs.h"

static const weightsep_network *const all[] = {ALL_NETWORKS};
static float weights[MOST_WEIGHTS], layer[MOST_LAYER], sample[MOST_INPUT], scratch[MOST_SCRATCH];
static float outputs[MOST_OUTPUT], again[MOST_OUTPUT];
static const weightsep_network8 *const all8[] = {ALL_NETWORKS8};
static int8_t weights8[MOST_WEIGHTS8], layer8[MOST_LAYER8], sample8[MOST_INPUT], scratch8[MOST_SCRATCH];
static int8_t outputs8[MOST_OUTPUT], again8[MOST_OUTPUT];

/* Control and status, value to begin from, and value, which counts down in 24 bits. */
static volatile uint32_t *const timer = (volatile uint32_t *)0xe000e010;
static uint32_t begun;
static uint32_t overflow;

#define MOST_TICKS 0xffffffu

static void start(void) {
    timer[0] = 0;
    timer[1] = MOST_TICKS;
    timer[2] = 0;
    timer[0] = 5; /* the processor's clock, without interrupts */
    while (timer[2] == 0) {
    }
    (void)timer[0]; /* forgets that 0 was reached */
    begun = timer[2];
    __asm__ volatile("" ::: "memory");
}

static unsigned long ticks(void) {
    uint32_t end, status;
    __asm__ volatile("" ::: "memory");
    end = timer[2];
    status = timer[0];
    overflow |= status & 1u << 16; /* 0 was reached since start */
    return begun - end;
}

static void four_million(void) {
    uint32_t loops = 2000000;
    __asm__ volatile("1: subs %0, #1\n bne 1b" : "+r"(loops) : : "cc");
}

int main(void) {
    uint32_t i, k;
    int damaged = 0;
    start();
    four_million();
    printf("%lu\n", ticks());
    for (i = 0; i < sizeof all / sizeof all[0]; i++) {
        const weightsep_network *n = all[i];
        const weightsep_network8 *q = all8[i];
        unsigned long check, change, run, by_layers, change8, run8, by_layers8;
        for (k = 0; k < n->input; k++) sample[k] = (float)(k % 256) / 255;
        start();
        damaged |= weightsep_check(n);
        check = ticks();
        start();
        damaged |= weightsep_switch(n, weights, 0);
        change = ticks();
        start();
        weightsep_run(n, weights, sample, scratch, outputs);
        run = ticks();
        start();
        weightsep_run_layers(n, layer, sample, scratch, again);
        by_layers = ticks();
        damaged |= memcmp(outputs, again, n->output * sizeof again[0]) != 0;
        weightsep_quantize8(q, sample, sample8);
        start();
        damaged |= weightsep_switch8(q, weights8, 0);
        change8 = ticks();
        start();
        weightsep_run8(q, weights8, sample8, scratch8, outputs8);
        run8 = ticks();
        start();
        weightsep_run_layers8(q, layer8, sample8, scratch8, again8);
        by_layers8 = ticks();
        damaged |= memcmp(outputs8, again8, n->output) != 0;
        printf("%s %lu %lu %lu %lu %lu %lu %lu %lu\n", n->name, (unsigned long)n->weights, check, change, run,
               by_layers, change8, run8, by_layers8);
    }
    if (overflow) printf("more ticks than the timer counts\n");
    if (damaged) printf("damaged, or other outputs by layers\n");
    return overflow != 0 || damaged;
}
