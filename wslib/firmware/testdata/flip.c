/* Flips a bit of every byte that the networks of packs.h are made of, one after another, and says what the
 * check does not find, or finds elsewhere. */
#include <stdio.h>
#include <stdlib.h>

#include "packs.h"

static const weightsep_network *const all[] = {ALL_NETWORKS};
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

int main(void) {
    uint32_t i, j, k;
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
