/* Flips a bit of every byte that the networks of packs.h are made of, one after another, and says what the
 * check does not find, or finds elsewhere. */
#include <stdio.h>
#include <stdlib.h>

#include "packs.h"

static const weightsep_network *const all[] = {ALL_NETWORKS};
static const weightsep_network8 *const all8[] = {ALL_NETWORKS8};
static int8_t weights8[MOST_WEIGHTS8];
static unsigned long flipped, missed;

static void flip(const weightsep_network *n, const uint8_t **part, size_t bytes, int want) {
    const uint8_t *whole = *part;
    uint8_t *copy = malloc(bytes);
    size_t i;
    if (copy == NULL) exit(2);
    memcpy(copy, whole, bytes);
    *part = copy;
    for (i = 0; i < bytes; i++, flipped++) {
        float weight = 7;
        copy[i] = (uint8_t)(copy[i] ^ 1u << i % 8);
        missed += weightsep_check(n) != want || weightsep_switch(n, &weight, 1) != want || weight != 7;
        copy[i] = whole[i];
    }
    missed += weightsep_check(n) != WEIGHTSEP_WHOLE;
    *part = whole;
    free(copy);
}

/* flip8 flips bits of the scales of 8 bits, and gives the table another checksum. */
static void flip8(weightsep_network8 q) {
    weightsep_network n = *q.network;
    uint8_t *copy = malloc(q.scale_count);
    const uint8_t *whole = q.scales;
    const uint32_t *sums = n.sums;
    uint32_t i, k, wrong = n.sums[0] ^ 1;
    if (copy == NULL) exit(2);
    memcpy(copy, whole, q.scale_count);
    q.scales = copy;
    q.network = &n;
    for (i = 0; i <= q.scale_count; i++, flipped++) {
        int want = i < q.scale_count ? WEIGHTSEP_SCALES_DAMAGED : WEIGHTSEP_TABLE_DAMAGED;
        if (i < q.scale_count) {
            copy[i] = (uint8_t)(copy[i] ^ 1u << i % 8);
        } else {
            n.sums = &wrong;
        }
        memset(weights8, 7, sizeof weights8);
        missed += weightsep_switch8(&q, weights8, 1) != want;
        for (k = 0; k < sizeof weights8; k++) missed += weights8[k] != 7;
        if (i < q.scale_count) copy[i] = whole[i];
    }
    n.sums = sums;
    missed += weightsep_switch8(&q, weights8, 1) != WEIGHTSEP_WHOLE;
    free(copy);
}

int main(void) {
    uint32_t i, j, k;
    for (i = 0; i < sizeof all8 / sizeof all8[0]; i++) flip8(*all8[i]);
    for (i = 0; i < sizeof all / sizeof all[0]; i++) {
        weightsep_network n = *all[i];
        weightsep_pack p = *n.pack;
        uint32_t pages = weightsep_pages(&n), width = weightsep_bytes(p.page_size, p.bits);
        uint8_t *copy;
        flip(&n, &n.table, pages * n.entry_bytes, WEIGHTSEP_TABLE_DAMAGED);
        if (n.scales != NULL) flip(&n, &n.scales, pages * p.scale_bytes, WEIGHTSEP_SCALES_DAMAGED);
        if (n.keys != NULL) {
            flip(&n, &n.keys, (pages - n.own) * weightsep_bytes(p.page_size, 2), WEIGHTSEP_KEYS_DAMAGED);
        }
        if (n.exclusive != NULL) {
            flip(&n, &n.exclusive, n.own * weightsep_bytes(p.page_size, p.own_bits),
                 WEIGHTSEP_OWN_PAGE_DAMAGED);
        }
        n.pack = &p;
        copy = malloc(p.shared * width);
        if (copy == NULL) exit(2);
        memcpy(copy, p.pages, p.shared * width);
        p.pages = copy;
        for (k = 0; k < pages; k++) {
            uint32_t e = weightsep_word(n.table + k * n.entry_bytes, n.entry_bytes);
            for (j = 0; e < p.shared && j < width; j++, flipped++) {
                uint8_t *byte = copy + e * width + j, whole = *byte;
                *byte = (uint8_t)(whole ^ 1u << j % 8);
                missed += weightsep_check(&n) != WEIGHTSEP_SHARED_PAGE_DAMAGED;
                *byte = whole;
            }
        }
        missed += weightsep_check(&n) != WEIGHTSEP_WHOLE;
        free(copy);
    }
    printf("%lu %lu\n", flipped, missed);
    return 0;
}
